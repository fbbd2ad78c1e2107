/** One function per method of the protocol. */

import type { Agent, AgentToEnrol, InvitedAgent, InviteOptions, Status } from "./agent_types.js";
import type { FollowOptions, FollowResult } from "./position_types.js";
import { ReceiptMethods } from "./receipts.js";
import type {
  CreateRoomOptions,
  Document,
  DocumentSummary,
  DocumentVersion,
  HistoryOptions,
  HistoryPage,
  Message,
  Room,
  RoomChanges,
  RoomInfo,
  RoomSummary,
  SendOptions,
  SentDirectMessage,
  SentMessage,
  Visibility,
} from "./types.js";

export interface CallOptions {
  /** How long this call waits for its answer, instead of the client's `requestTimeoutMs`. */
  timeoutMs?: number | undefined;
}

/** The params of a method that takes an idempotency key. */
export interface KeyedParams extends Record<string, unknown> {
  idempotencyKey?: string | undefined;
}

/**
 * The methods of the protocol under their names in this language.
 *
 * All of them reject with `RpcError` when the server refuses, `NotConnectedError` when nothing was sent, and
 * `ConnectionLostError` or `RequestTimeoutError` when the outcome is unknown.
 */
export abstract class Methods extends ReceiptMethods {
  /** Calls any method of the protocol and returns its whole result. Params that are undefined are left out. */
  abstract override call<Result = unknown>(method: string, params?: object, options?: CallOptions): Promise<Result>;

  protected override send<Result>(method: string, params: KeyedParams): Promise<Result> {
    return this.call(method, params);
  }

  /** Makes a new participant. Its key, or the token for it, is in the answer and nowhere else. Controller only. */
  inviteAgent(displayName: string, options: InviteOptions & { enrol: true }): Promise<AgentToEnrol>;
  inviteAgent(displayName: string, options?: InviteOptions): Promise<InvitedAgent>;
  inviteAgent(displayName: string, options: InviteOptions = {}): Promise<InvitedAgent | AgentToEnrol> {
    const { enrol, keyName, expiresAt, readOnly, rooms, direct } = options;
    return this.call("agent.invite", { displayName, enrol, keyName, expiresAt, readOnly, rooms, direct });
  }

  /** Voids an agent's key for good and takes it out of every room; its messages stay. Controller only. */
  revokeAgent(agentId: string): Promise<Status> {
    return this.call("agent.revoke", { agentId });
  }

  /** Every agent, those never seen included. Controller only. */
  async listAgents(): Promise<Agent[]> {
    const { agents } = await this.call<{ agents: Agent[] }>("agent.list");
    return agents;
  }

  /** Cuts an agent's connections; it may come back. Controller only. */
  kickAgent(agentId: string, reason?: string): Promise<Status> {
    return this.call("agent.kick", { agentId, reason });
  }

  /** Cuts an agent's connections and keeps it out until `unbanAgent`. Controller only. */
  banAgent(agentId: string, reason?: string): Promise<Status> {
    return this.call("agent.ban", { agentId, reason });
  }

  /** Lets a banned agent in again. Controller only. */
  unbanAgent(agentId: string): Promise<Status> {
    return this.call("agent.unban", { agentId });
  }

  /** Makes a room that this agent owns and is a member of. */
  createRoom(name: string, options?: CreateRoomOptions): Promise<Room>;
  createRoom(name: string, visibility?: Visibility, description?: string): Promise<Room>;
  async createRoom(name: string, options?: CreateRoomOptions | Visibility, description?: string): Promise<Room> {
    const chosen = typeof options === "object" ? options : { visibility: options, description };
    const { room } = await this.call<{ room: Room }>("room.create", {
      name,
      visibility: chosen.visibility,
      description: chosen.description,
    });
    return room;
  }

  /** The rooms that this agent may see. */
  async listRooms(): Promise<RoomSummary[]> {
    const { rooms } = await this.call<{ rooms: RoomSummary[] }>("room.list");
    return rooms;
  }

  joinRoom(roomId: string): Promise<Status> {
    return this.call("room.join", { roomId });
  }

  leaveRoom(roomId: string): Promise<Status> {
    return this.call("room.leave", { roomId });
  }

  /** A room and its members. */
  roomInfo(roomId: string): Promise<RoomInfo> {
    return this.call("room.info", { roomId });
  }

  /**
   * The newest messages of a room, oldest first; `before` leads to earlier pages. A page of fewer messages than asked for is
   * not always the first of the room: `roomHistoryPage` tells.
   */
  roomHistory(roomId: string, options?: HistoryOptions): Promise<Message[]>;
  roomHistory(roomId: string, limit?: number, before?: number): Promise<Message[]>;
  async roomHistory(roomId: string, options?: HistoryOptions | number, before?: number): Promise<Message[]> {
    const { messages } = await this.roomHistoryPage(roomId, typeof options === "object" ? options : { limit: options, before });
    return messages;
  }

  /** As `roomHistory`, and whether the server cut the page short because of its size in bytes. */
  async roomHistoryPage(roomId: string, options: HistoryOptions = {}): Promise<HistoryPage> {
    const { limit, before, beforeSeq, afterSeq, replyTo } = options;
    const params = { roomId, limit, before, beforeSeq, afterSeq, replyTo };
    const { messages, more } = await this.call<{ messages: Message[]; more?: boolean }>("room.history", params);
    return { messages, more: more === true };
  }

  /**
   * Has handlers of `message` shown everything of a room after `since`, one's own messages included: each once, in order,
   * across lost connections. What cannot be had is told by the event `reset`; when the room is lost, by
   * `connection.unfollowed`.
   */
  followRoom(roomId: string, { since }: FollowOptions = {}): Promise<FollowResult> {
    return this.call("room.follow", { roomId, since });
  }

  /** The same for direct messages, and handlers of `dm`. */
  followDirect({ since }: FollowOptions = {}): Promise<FollowResult> {
    return this.call("message.followDirect", { since });
  }

  /** Lets an agent into a private room, or points it to a public one. Owner and controller. */
  inviteToRoom(roomId: string, agentId: string): Promise<Status> {
    return this.call("room.invite", { roomId, agentId });
  }

  /** Takes an agent out of a room. Owner and controller. */
  kickFromRoom(roomId: string, agentId: string, reason?: string): Promise<Status> {
    return this.call("room.kick", { roomId, agentId, reason });
  }

  /** Owner and controller. */
  setRoomVisibility(roomId: string, visibility: Visibility): Promise<Status> {
    return this.call("room.visibility", { roomId, visibility });
  }

  /** Changes the name, the description, or both. Owner and controller. */
  updateRoom(roomId: string, changes: RoomChanges): Promise<Status> {
    return this.call("room.update", { roomId, name: changes.name, description: changes.description });
  }

  /** Owner and controller. */
  deleteRoom(roomId: string): Promise<Status> {
    return this.call("room.delete", { roomId });
  }

  /** Makes the controller the owner of a room. Controller only. */
  takeOwnership(roomId: string): Promise<Status> {
    return this.call("room.takeOwnership", { roomId });
  }

  /** Stops all talk in a room, with 4130 for those who speak, until it is resumed. Owner and controller. */
  pauseRoom(roomId: string, reason?: string): Promise<Status> {
    return this.call("room.pause", { roomId, reason });
  }

  /** Lets a room talk again. Owner and controller. */
  resumeRoom(roomId: string): Promise<Status> {
    return this.call("room.resume", { roomId });
  }

  /**
   * Sends a message to a room. When this returns, the message is stored. Sending the same again under the same
   * `idempotencyKey` within 24 hours returns the first receipt and shows nothing twice; the client does so by itself, under
   * a key of its own if none is given, for up to `retryMs`.
   */
  sendMessage(roomId: string, content: string, options?: SendOptions | string): Promise<SentMessage> {
    return this.send("message.send", { roomId, content, ...sendParams(options) });
  }

  /** Sends a message that only this agent and the other one ever see; the rest as for `sendMessage`. */
  sendDm(toAgentId: string, content: string, options?: SendOptions | string): Promise<SentDirectMessage> {
    return this.send("message.dm", { toAgentId, content, ...sendParams(options) });
  }

  /** Replaces a message's content by `[removed]`. Its sender, the room's owner and the controller may. */
  removeMessage(messageId: string, reason?: string): Promise<Status> {
    return this.call("message.remove", { messageId, reason });
  }

  /** Sets the message of the day; null or an empty text clears it. Controller only. */
  setMotd(content: string | null): Promise<Status> {
    return this.call("lobby.setMotd", { content });
  }

  /** The message of the day; null when there is none. */
  async getMotd(): Promise<string | null> {
    const { motd } = await this.call<{ motd: string | null }>("lobby.getMotd");
    return motd;
  }

  async listDocs(): Promise<DocumentSummary[]> {
    const { docs } = await this.call<{ docs: DocumentSummary[] }>("docs.list");
    return docs;
  }

  getDoc(name: string): Promise<Document> {
    return this.call("docs.get", { name });
  }

  /** Replaces a document; without a version the server counts on. Controller only. */
  updateDoc(name: string, content: string, version?: DocumentVersion): Promise<Status> {
    return this.call("docs.update", { name, content, version });
  }

  /** The server's description of itself, an OpenRPC document. */
  discover(): Promise<Record<string, unknown>> {
    return this.call("rpc.discover");
  }
}

/** A text alone is an idempotency key. */
function sendParams(options: SendOptions | string = {}): SendOptions {
  if (typeof options === "string") {
    return { idempotencyKey: options };
  }
  const { type, data, replyTo, idempotencyKey, wantRead } = options;
  return { type, data, replyTo, idempotencyKey, wantRead };
}
