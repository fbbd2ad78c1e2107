/**
 * What the server sends, by the protocol's own names.
 *
 * Ids are UUID strings; times are integer milliseconds since 1970. Servers may add members that are not named here.
 */
export type Role = "controller" | "participant";
export type Visibility = "public" | "private";
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
    lobby: {
        roomId: string;
        name: string;
    };
    /** The message of the day; null when there is none. */
    motd: string | null;
    /** Changes when the server's database is replaced: positions from another epoch mean nothing. */
    epoch?: string;
    /** `full`: an answered call survives a crash at once. `relaxed`: it is written a little later. */
    durability?: "full" | "relaxed";
    version?: string;
    /** How it went with the rooms that this client had followed; only after reconnecting. */
    resumed?: Record<string, FollowResult | {
        error: unknown;
    }>;
    /** The same for direct messages. */
    resumedDirect?: FollowResult | {
        error: unknown;
    };
}
/** A place among the messages of a room, or among direct messages. */
export interface Position {
    /** The life of a database; a position means something only in its epoch. */
    epoch: string;
    /** Counts from 1; 0 is before everything. */
    seq: number;
}
/** Up to where a client has everything. Can be kept as JSON. */
export interface Positions {
    /** By room id. */
    rooms: Record<string, Position>;
    direct?: Position;
}
/** Where a followed room stands: what lies between `since` and `seq` follows as events. */
export interface FollowResult {
    epoch: string;
    seq: number;
    /** Present when it does not go on at `since`. */
    reset?: {
        reason: "epoch" | "retention";
        oldest: Position;
        resumesFrom: number;
    };
}
/** Something is missing and cannot be had. */
export interface Reset {
    /**
     * `retention`: what lies from `missedFrom` up to `resumesFrom` is not kept any longer. `epoch`: the position is one of
     * another database, and `missedFrom` one of that.
     */
    reason: "epoch" | "retention";
    /** Absent for direct messages. */
    roomId?: string;
    epoch: string;
    missedFrom: number;
    resumesFrom: number;
    /** The oldest position that the server still has, when it said so. */
    oldest?: Position;
}
export interface FollowOptions {
    /** The position up to which everything is known; without it the one that the client was given, else now. */
    since?: Position | undefined;
}
export interface IterateOptions {
    /**
     * Where to begin: behind a position, or behind a number of the server's present epoch, so that 0 begins with the oldest
     * message. When left out: behind the position that the client was given, or that the last iteration came to, else now.
     */
    since?: Position | number | undefined;
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
    /** Only messages strictly before this time in milliseconds. At most one of the three is given. */
    before?: number | undefined;
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
