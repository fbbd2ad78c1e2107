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
/** A task without what never changes and may be long. */
export type TaskSummary = Omit<Task, "description" | "data">;
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
    /** Of another agent, whose overlap begins when it uses its token: when that key ends anyway, null when never. */
    previousExpiresAt: number | null;
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
