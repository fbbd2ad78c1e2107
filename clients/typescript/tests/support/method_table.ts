import type {
  AuditOptions,
  HistoryOptions,
  InviteOptions,
  JoinPeerOptions,
  KeyOptions,
  NewTask,
  OpenOptions,
  Permission,
  Position,
  RotateOptions,
  SearchOptions,
  SendOptions,
  TaskFilter,
  TaskOutcome,
  TaskProgress,
  Visibility,
  WardroomClient,
} from "wardroom-client";

type Params = Record<string, unknown>;

interface Entry {
  /** The params that the client's function can send. */
  readonly params: readonly string[];
  readonly call: (client: WardroomClient, params: never) => Promise<unknown>;
  /** The member of the result that the function returns; the whole result when left out. */
  readonly unwraps?: string;
}

/** Every method of the protocol but `auth`, with the client's function for it. */
export const METHODS: Record<string, Entry> = {
  "agent.invite": {
    params: ["displayName", "enrol", "keyName", "expiresAt", "readOnly", "rooms", "direct"],
    call: (client, { displayName, ...options }: { displayName: string } & InviteOptions) =>
      client.inviteAgent(displayName, options),
  },
  "agent.revoke": { params: ["agentId"], call: (client, { agentId }: { agentId: string }) => client.revokeAgent(agentId) },
  "agent.list": { params: [], call: (client) => client.listAgents(), unwraps: "agents" },
  "agent.kick": {
    params: ["agentId", "reason"],
    call: (client, { agentId, reason }: { agentId: string; reason: string }) => client.kickAgent(agentId, reason),
  },
  "agent.ban": {
    params: ["agentId", "reason"],
    call: (client, { agentId, reason }: { agentId: string; reason: string }) => client.banAgent(agentId, reason),
  },
  "agent.unban": { params: ["agentId"], call: (client, { agentId }: { agentId: string }) => client.unbanAgent(agentId) },
  "agent.createKey": {
    params: ["agentId", "keyName", "expiresAt", "readOnly", "rooms", "direct"],
    call: (client, { keyName, ...options }: { keyName: string } & KeyOptions) => client.createKey(keyName, options),
  },
  "agent.rotateKey": {
    params: ["agentId", "keyId", "overlapMs", "keyName", "expiresAt"],
    call: (client, options: RotateOptions) => client.rotateKey(options),
  },
  "agent.revokeKey": {
    params: ["keyId", "agentId"],
    call: (client, { keyId, agentId }: { keyId: string; agentId: string }) => client.revokeKey(keyId, agentId),
  },
  "agent.listKeys": {
    params: ["agentId"],
    call: (client, { agentId }: { agentId: string }) => client.listKeys(agentId),
    unwraps: "keys",
  },
  "agent.rename": {
    params: ["displayName", "agentId"],
    call: (client, { displayName, agentId }: { displayName: string; agentId: string }) =>
      client.renameAgent(displayName, agentId),
  },
  "audit.list": {
    params: ["limit", "before", "agentId", "method"],
    call: (client, options: AuditOptions) => client.listAudit(options),
  },
  "room.create": {
    params: ["name", "visibility", "description"],
    call: (client, { name, ...options }: { name: string; visibility: Visibility; description: string }) =>
      client.createRoom(name, options),
    unwraps: "room",
  },
  "room.list": { params: [], call: (client) => client.listRooms(), unwraps: "rooms" },
  "room.join": { params: ["roomId"], call: (client, { roomId }: { roomId: string }) => client.joinRoom(roomId) },
  "room.leave": { params: ["roomId"], call: (client, { roomId }: { roomId: string }) => client.leaveRoom(roomId) },
  "room.info": { params: ["roomId"], call: (client, { roomId }: { roomId: string }) => client.roomInfo(roomId) },
  "room.history": {
    params: ["roomId", "limit", "before", "beforeSeq", "afterSeq", "replyTo"],
    call: (client, { roomId, ...options }: { roomId: string } & HistoryOptions) => client.roomHistory(roomId, options),
    unwraps: "messages",
  },
  "room.follow": {
    params: ["roomId", "since"],
    call: (client, { roomId, since }: { roomId: string; since: Position }) => client.followRoom(roomId, { since }),
  },
  "message.followDirect": {
    params: ["since"],
    call: (client, { since }: { since: Position }) => client.followDirect({ since }),
  },
  "room.invite": {
    params: ["roomId", "agentId"],
    call: (client, { roomId, agentId }: { roomId: string; agentId: string }) => client.inviteToRoom(roomId, agentId),
  },
  "room.kick": {
    params: ["roomId", "agentId", "reason"],
    call: (client, { roomId, agentId, reason }: { roomId: string; agentId: string; reason: string }) =>
      client.kickFromRoom(roomId, agentId, reason),
  },
  "room.visibility": {
    params: ["roomId", "visibility"],
    call: (client, { roomId, visibility }: { roomId: string; visibility: Visibility }) =>
      client.setRoomVisibility(roomId, visibility),
  },
  "room.update": {
    params: ["roomId", "name", "description"],
    call: (client, { roomId, ...changes }: { roomId: string; name: string; description: string | null }) =>
      client.updateRoom(roomId, changes),
  },
  "room.delete": { params: ["roomId"], call: (client, { roomId }: { roomId: string }) => client.deleteRoom(roomId) },
  "room.takeOwnership": {
    params: ["roomId"],
    call: (client, { roomId }: { roomId: string }) => client.takeOwnership(roomId),
  },
  "room.pause": {
    params: ["roomId", "reason"],
    call: (client, { roomId, reason }: { roomId: string; reason: string }) => client.pauseRoom(roomId, reason),
  },
  "room.resume": { params: ["roomId"], call: (client, { roomId }: { roomId: string }) => client.resumeRoom(roomId) },
  "p2p.open": {
    params: ["roomId", "permission", "expiresAt", "maxUses"],
    call: (client, { roomId, permission, ...options }: { roomId: string; permission: Permission } & OpenOptions) =>
      client.openToPeers(roomId, permission, options),
  },
  "p2p.join": {
    params: ["roomId", "p2pRoomId", "signalUrl", "permission", "expiresAt"],
    call: (client, { roomId, p2pRoomId, ...options }: { roomId: string; p2pRoomId: string } & JoinPeerOptions) =>
      client.joinPeer(roomId, p2pRoomId, options),
  },
  "p2p.list": {
    params: ["roomId"],
    call: (client, { roomId }: { roomId: string }) => client.listOpenings(roomId),
    unwraps: "openings",
  },
  "p2p.close": {
    params: ["openingId"],
    call: (client, { openingId }: { openingId: string }) => client.closeOpening(openingId),
  },
  "p2p.setPermission": {
    params: ["openingId", "permission"],
    call: (client, { openingId, permission }: { openingId: string; permission: Permission }) =>
      client.setPeerPermission(openingId, permission),
  },
  "message.send": {
    params: ["roomId", "content", "type", "data", "replyTo", "idempotencyKey", "wantRead"],
    call: (client, { roomId, content, ...options }: { roomId: string; content: string } & SendOptions) =>
      client.sendMessage(roomId, content, options),
  },
  "message.dm": {
    params: ["toAgentId", "content", "type", "data", "replyTo", "idempotencyKey", "wantRead"],
    call: (client, { toAgentId, content, ...options }: { toAgentId: string; content: string } & SendOptions) =>
      client.sendDm(toAgentId, content, options),
  },
  "message.remove": {
    params: ["messageId", "reason"],
    call: (client, { messageId, reason }: { messageId: string; reason: string }) => client.removeMessage(messageId, reason),
  },
  "message.search": {
    params: ["query", "roomId", "senderId", "from", "to", "limit", "cursor"],
    call: (client, { query, ...options }: { query: string } & SearchOptions) => client.searchMessages(query, options),
  },
  "message.status": {
    params: ["messageId"],
    call: (client, { messageId }: { messageId: string }) => client.messageStatus(messageId),
    unwraps: "members",
  },
  "room.markRead": {
    params: ["roomId", "seq"],
    call: (client, { roomId, seq }: { roomId: string; seq: number }) => client.markRead(roomId, seq),
  },
  "message.markReadDirect": { params: ["seq"], call: (client, { seq }: { seq: number }) => client.markReadDirect(seq) },
  "lobby.setMotd": { params: ["content"], call: (client, { content }: { content: string | null }) => client.setMotd(content) },
  "lobby.getMotd": { params: [], call: (client) => client.getMotd(), unwraps: "motd" },
  "docs.list": { params: [], call: (client) => client.listDocs(), unwraps: "docs" },
  "docs.get": { params: ["name"], call: (client, { name }: { name: string }) => client.getDoc(name) },
  "docs.update": {
    params: ["name", "content", "version"],
    call: (client, { name, content, version }: { name: string; content: string; version: number }) =>
      client.updateDoc(name, content, version),
  },
  "task.create": {
    params: ["roomId", "title", "description", "data", "assignee", "idempotencyKey"],
    call: (client, { roomId, title, ...options }: { roomId: string; title: string } & NewTask) =>
      client.createTask(roomId, title, options),
  },
  "task.claim": {
    params: ["taskId", "leaseMs", "idempotencyKey"],
    call: (client, { taskId, ...options }: { taskId: string; leaseMs: number; idempotencyKey: string }) =>
      client.claimTask(taskId, options),
  },
  "task.renew": {
    params: ["taskId", "generation", "leaseMs", "idempotencyKey"],
    call: (client, { taskId, generation, ...options }: { taskId: string; generation: number; leaseMs: number; idempotencyKey: string }) =>
      client.renewTask(taskId, generation, options),
  },
  "task.update": {
    params: ["taskId", "generation", "state", "note", "idempotencyKey"],
    call: (client, { taskId, ...progress }: { taskId: string } & TaskProgress) => client.updateTask(taskId, progress),
  },
  "task.complete": {
    params: ["taskId", "generation", "content", "data", "idempotencyKey"],
    call: (client, { taskId, generation, ...outcome }: { taskId: string; generation: number } & TaskOutcome) =>
      client.completeTask(taskId, generation, outcome),
  },
  "task.fail": {
    params: ["taskId", "generation", "content", "data", "idempotencyKey"],
    call: (client, { taskId, generation, ...outcome }: { taskId: string; generation: number } & TaskOutcome) =>
      client.failTask(taskId, generation, outcome),
  },
  "task.cancel": {
    params: ["taskId", "reason", "idempotencyKey"],
    call: (client, { taskId, reason, idempotencyKey }: { taskId: string; reason: string; idempotencyKey: string }) =>
      client.cancelTask(taskId, reason, idempotencyKey),
  },
  "task.list": {
    params: ["roomId", "state", "assignee", "limit", "cursor"],
    call: (client, filter: TaskFilter) => client.listTasks(filter),
  },
  "task.get": { params: ["taskId"], call: (client, { taskId }: { taskId: string }) => client.getTask(taskId), unwraps: "task" },
  "rpc.discover": { params: [], call: (client) => client.discover() },
};

/** Methods that no client has a function for: only the operator's local socket admits them. */
const UNSERVED = /^operator\./;

/** Calls `method` by the client's own function, or by `call` where the params are none that the function can send. */
export function callMethod(client: WardroomClient, method: string, params: unknown): Promise<unknown> {
  const entry = METHODS[method];
  if (entry === undefined && !UNSERVED.test(method) && method !== "auth" && method !== "agent.enrol") {
    throw new Error(`the client has no function for \`${method}\`: add one, and its line in this table`);
  }
  const given = params ?? {};
  const fits =
    params !== null && !Array.isArray(given) && typeof given === "object" &&
    Object.keys(given).every((name) => entry?.params.includes(name));
  return entry !== undefined && fits ? entry.call(client, given as never) : client.call(method, params as object);
}

/** What the client makes of a result. */
export function unwrapped(method: string, params: unknown, result: unknown): unknown {
  const member = METHODS[method]?.unwraps;
  const generic = params !== undefined && (params === null || Object.keys(params as Params).some((name) => !METHODS[method]?.params.includes(name)));
  return member === undefined || generic ? result : (result as Params)[member];
}
