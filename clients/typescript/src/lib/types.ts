/**
 * What the server sends of rooms, messages and documents, by the protocol's own names.
 *
 * Ids are UUID strings; times are integer milliseconds since 1970. Servers may add members that are not named here.
 */

import type { Permission } from "./peer_types.js";

export type Visibility = "public" | "private";

/** Talk is `chat`, which is left out of what the server sends. */
export type MessageType = "chat" | "task" | "result" | "query" | "file" | "ack";

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
  /** Messages that this agent, a member, has not marked as read. */
  unread?: number;
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
  /** Present for peers beyond the server only. */
  origin?: "p2p";
  /** What a peer may do; present for peers beyond the server only. */
  permission?: Permission;
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
  /** Present when a peer beyond the server sent it. */
  origin?: "p2p";
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
   * Whether the server cut the page short because of its size in bytes: there is more before its first message (with
   * `afterSeq`: behind its last), although the page holds fewer messages than asked for.
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
  /** Asks for the event `message.read` when somebody says that it has read the message. */
  wantRead?: boolean | undefined;
}

/** What to look for beside the words; what is left out does not matter. */
export interface SearchOptions {
  roomId?: string | undefined;
  senderId?: string | undefined;
  /** From this time on, in milliseconds since 1970. */
  from?: number | undefined;
  /** From before this time, in milliseconds since 1970. */
  to?: number | undefined;
  /** How many at most, from 1; 50 when left out. */
  limit?: number | undefined;
  /** The `nextCursor` of the page before. */
  cursor?: string | undefined;
}

/** A message that was found. */
export interface FoundMessage {
  /** The lobby's for a direct message. */
  roomId: string;
  message: Message;
}

/** A page of what was found, the newest first. */
export interface SearchPage {
  found: FoundMessage[];
  /** Present when there may be more. */
  nextCursor?: string;
  /** Present when some of what was said last could not be looked at yet. */
  incomplete?: true;
}

/** How far a message got with one agent. */
export interface MemberStatus {
  agentId: string;
  displayName: string;
  /** `delivered`: a socket of the agent took it. `read`: the agent said so. */
  state: "stored" | "delivered" | "read";
  /** When the agent last said how far it has read; left out until that is as far as the message. */
  readAt?: number;
}

/** The position up to which this agent has read, and how many messages there are behind it. */
export interface ReadMark {
  seq: number;
  unread: number;
}

/** What the server says of a direct message that it has stored. */
export interface SentDirectMessage {
  messageId: string;
  timestamp: number;
  /** Position among the direct messages that this agent sent and got. */
  seq?: number;
}

/** What the server says of a message that it has stored. */
export interface SentMessage extends SentDirectMessage {
  /** Position in the room: from 1, without gaps. */
  seq: number;
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
  /** Only messages strictly before this time in milliseconds. At most one of the three is given. */
  before?: number | undefined;
  /** Only direct replies to this message. */
  replyTo?: string | undefined;
  /** Only messages below this position: the newest of them. */
  beforeSeq?: number | undefined;
  /** Only messages above this position: the oldest of them. */
  afterSeq?: number | undefined;
}

/** What to change; what is left out stays. */
export interface RoomChanges {
  name?: string | undefined;
  /** Null or an empty text clears it. */
  description?: string | null | undefined;
}
