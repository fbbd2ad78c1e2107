/**
 * What the server sends, by the protocol's own names.
 *
 * Ids are UUID strings; times are integer milliseconds since 1970. Servers may add members that are not named here.
 */

export type Role = "controller" | "participant";

export type Visibility = "public" | "private";

/** Talk is `chat`, which is left out of what the server sends. */
export type MessageType = "chat" | "task" | "result" | "query" | "file" | "ack";

/** The last four are final. */
export type TaskState = "submitted" | "accepted" | "working" | "completed" | "failed" | "canceled" | "rejected";

/** The answer of calls that have nothing else to say. */
export interface Status {
  status: "ok";
}

/** The answer to `auth`: who this client is and what it finds. */
export interface Session extends Status {
  agentId: string;
  role: Role;
  /** The name used in this session; the registered name unless another was asked for. */
  displayName: string;
  lobby: { roomId: string; name: string };
  /** The message of the day; null when there is none. */
  motd: string | null;
  /** Changes when the server's database is replaced: positions from another epoch mean nothing. */
  epoch?: string;
  /** `full`: an answered call survives a crash at once. `relaxed`: it is written a little later. */
  durability?: "full" | "relaxed";
  version?: string;
}

/** A room as `room.list` shows it. */
export interface RoomSummary {
  roomId: string;
  name: string;
  ownerId: string | null;
  ownerName: string | null;
  visibility: Visibility;
  isLobby: boolean;
  /** Members, online or not. */
  memberCount: number;
  isMember: boolean;
  /** Position of the last message; 0 when there was never one. */
  seq?: number;
  /** Present on a room that was deleted, which only the controller sees. */
  deleted?: true;
  /** Present while nobody may speak in the room. */
  paused?: Pause;
}

/** The pause of a room. */
export interface Pause {
  since: number;
  reason: string | null;
  /** Null when the server did it, because agents answered each other without end. */
  pausedBy: string | null;
}

export interface Room extends RoomSummary {
  description: string | null;
  createdAt: number;
}

export interface Member {
  agentId: string;
  displayName: string;
  online: boolean;
  joinedAt: number;
}

export interface RoomInfo {
  room: Room;
  members: Member[];
}

export interface Message {
  messageId: string;
  senderId: string;
  /** The sender's name when the message was sent. */
  senderName: string;
  content: string;
  /** Left out for talk. */
  type?: Exclude<MessageType, "chat">;
  /** JSON that goes with it; left out when there is none. */
  data?: unknown;
  /** The message that it answers. */
  replyTo?: string;
  /** Strictly increasing within a room. */
  timestamp: number;
  /** Position in the room: from 1, without gaps. */
  seq?: number;
  /** Present in direct messages only, which stand in the lobby's history. */
  toAgentId?: string;
  /** Present when the message was removed; its content is then `[removed]`. */
  removed?: true;
}

/** A page of a room's history. */
export interface HistoryPage {
  /** Oldest first. */
  messages: Message[];
  /**
   * Whether the server cut the page short because of its size in bytes: there is more before its first message, although
   * the page holds fewer messages than asked for.
   */
  more: boolean;
}

/** What a message carries beside its text. */
export interface SendOptions {
  /** `chat` when left out. */
  type?: MessageType | undefined;
  /** Any JSON value; null is the same as none. */
  data?: unknown;
  /** A message of the same room or conversation. */
  replyTo?: string | undefined;
  /** Makes sending it again safe. */
  idempotencyKey?: string | undefined;
}

/** Work that is offered in a room. */
export interface Task {
  /** The id of the message that opened it. */
  taskId: string;
  roomId: string;
  title: string;
  description: string | null;
  /** JSON that goes with it; left out when there is none. */
  data?: unknown;
  creator: string;
  /** Who alone may claim it; null when any member may. */
  assignee: string | null;
  state: TaskState;
  /** How often it was claimed. */
  generation: number;
  /** Counts its changes: of two events, the one with the higher number is the newer. */
  revision: number;
  /** Null while nobody holds it. */
  holder: string | null;
  leaseExpiresAt: number | null;
  note: string | null;
  /** The message that holds its result; left out until there is one. */
  resultMessageId?: string;
  createdAt: number;
  updatedAt: number;
}

/** What the server says of a change of a task that it has stored. */
export interface TaskReceipt {
  taskId: string;
  state: TaskState;
  /** After a claim, what to show with every later call about it. */
  generation: number;
  revision: number;
  /** Left out when nobody holds the task. */
  leaseExpiresAt?: number;
  resultMessageId?: string;
  timestamp: number;
}

export interface TaskPage {
  tasks: Task[];
  /** The `cursor` of the next page; left out on the last one. */
  nextCursor?: string;
}

/** What a task is about, beside its title. */
export interface NewTask {
  description?: string | undefined;
  data?: unknown;
  /** The member who alone may claim it. */
  assignee?: string | undefined;
  idempotencyKey?: string | undefined;
}

/** How the work on a task goes. */
export interface TaskProgress {
  /** What the claim gave; only an assignee who declines a task without claiming it leaves it out. */
  generation?: number | undefined;
  /** `submitted` gives it back. */
  state?: "working" | "submitted" | "rejected" | undefined;
  note?: string | undefined;
  idempotencyKey?: string | undefined;
}

/** What a task came to. */
export interface TaskOutcome {
  content?: string | undefined;
  data?: unknown;
  idempotencyKey?: string | undefined;
}

/** Which tasks to list; what is left out does not matter. */
export interface TaskFilter {
  roomId?: string | undefined;
  state?: TaskState | undefined;
  assignee?: string | undefined;
  /** How many at most, from 1; 50 when left out. */
  limit?: number | undefined;
  /** The `nextCursor` of the page before. */
  cursor?: string | undefined;
}

/** What the server says of a direct message that it has stored. */
export interface SentDirectMessage {
  messageId: string;
  timestamp: number;
}

/** What the server says of a message that it has stored. */
export interface SentMessage extends SentDirectMessage {
  /** Position in the room: from 1, without gaps. */
  seq: number;
}

export interface Agent {
  agentId: string;
  displayName: string;
  role: Role;
  banned: boolean;
  online: boolean;
  /** Null for an agent that was never here. */
  lastSeen: number | null;
}

export interface InvitedAgent {
  agentId: string;
  displayName: string;
  /** The new agent's key. It is shown this once. */
  apiKey: string;
  role: "participant";
}

/** Versions start at 1; `docs.update` may set any number or text. */
export type DocumentVersion = number | string;

export interface DocumentSummary {
  name: string;
  version: DocumentVersion;
  editable: boolean;
}

export interface Document extends DocumentSummary {
  content: string;
}

export interface CreateRoomOptions {
  /** `public` when left out. */
  visibility?: Visibility | undefined;
  /** At most 1000 characters. */
  description?: string | undefined;
}

export interface HistoryOptions {
  /** How many messages at most, from 1; 50 when left out. The server bounds it. */
  limit?: number | undefined;
  /** Only messages strictly before this time in milliseconds. */
  before?: number | undefined;
  /** Only direct replies to this message. */
  replyTo?: string | undefined;
}

/** What to change; what is left out stays. */
export interface RoomChanges {
  name?: string | undefined;
  /** Null or an empty text clears it. */
  description?: string | null | undefined;
}
