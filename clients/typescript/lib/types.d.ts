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
     * Whether the server cut the page short because of its size in bytes: there is more before its first message, although
     * the page holds fewer messages than asked for.
     */
    more: boolean;
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
/** A new agent that gets its key by `enrol`. */
export interface AgentToEnrol {
    agentId: string;
    displayName: string;
    /** What `enrol` takes, once. It is shown this once. */
    enrolmentToken: string;
    /** When the token ends, in milliseconds since 1970. */
    enrolmentExpiresAt: number;
    role: "participant";
}
/** What a key is to be. */
export interface KeyOptions {
    /** When it ends, in milliseconds since 1970; never when left out. */
    expiresAt?: number | undefined;
    /** Whether it may only look. */
    readOnly?: boolean | undefined;
    /** The only rooms there are for it; all of them when left out. */
    rooms?: readonly string[] | undefined;
    /** Whether it has direct messages although its rooms are restricted. */
    direct?: boolean | undefined;
}
export interface InviteOptions extends KeyOptions {
    /** Makes an enrolment token instead of the key. */
    enrol?: boolean | undefined;
    keyName?: string | undefined;
}
export interface RotateOptions {
    /** This agent when left out; anybody else for the controller only. */
    agentId?: string | undefined;
    /** That of this session when left out, or the only one of the other agent. */
    keyId?: string | undefined;
    /** How long the former key goes on working; 0 ends it at once. A day if the server has its defaults. */
    overlapMs?: number | undefined;
    keyName?: string | undefined;
    expiresAt?: number | undefined;
}
/** What is known of a key. */
export interface Key {
    keyId: string;
    keyName: string;
    createdAt: number;
    /** Null is never. */
    expiresAt: number | null;
    readOnly: boolean;
    /** Null is all rooms. */
    rooms: string[] | null;
    direct: boolean;
}
export interface ListedKey extends Key {
    lastUsedAt: number | null;
    /** Whether this session came in with it. */
    current: boolean;
    /** Whether it waits for its enrolment. */
    pending: boolean;
}
/** A new key: `apiKey` for oneself, `enrolmentToken` for another agent. Either is shown this once. */
export interface IssuedKey {
    agentId: string;
    apiKey?: string;
    enrolmentToken?: string;
    enrolmentExpiresAt?: number;
    key: Key;
}
export interface RotatedKey extends IssuedKey {
    previousKeyId: string;
    previousExpiresAt: number;
}
export interface EnrolledAgent {
    agentId: string;
    displayName: string;
    role: Role;
    /** The agent's key. It is shown this once. */
    apiKey: string;
    key: Key;
}
export interface RenamedAgent extends Status {
    agentId: string;
    displayName: string;
}
export interface AuditOptions {
    /** 1 to 1,000; 100 when left out. */
    limit?: number | undefined;
    /** Only entries before this `seq`. */
    before?: number | undefined;
    agentId?: string | undefined;
    method?: string | undefined;
}
export interface AuditEntry {
    seq: number;
    at: number;
    actor: string;
    method: string;
    targets: string[];
    address: string | null;
    gateway: string;
    /** `ok`, or the code of the refusal. */
    outcome: string;
    count: number;
}
export interface AuditPage {
    /** The newest first. */
    entries: AuditEntry[];
    /** Whether all that is kept is as it was written. */
    intact: boolean;
    brokenAt: number | null;
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
}
/** What to change; what is left out stays. */
export interface RoomChanges {
    name?: string | undefined;
    /** Null or an empty text clears it. */
    description?: string | null | undefined;
}
