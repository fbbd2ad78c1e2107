/** What a local bridge answers. */
/** How much two linked agents let each other do. */
export type Level = "intimate" | "helper" | "chat";
/** What is urgent is handed out first. */
export type Priority = "high" | "normal" | "low";
/** A message as its sender's side made it. A peer that is no bridge may leave members out. */
export interface Envelope {
    readonly id: string;
    readonly type: string;
    readonly payload: unknown;
    readonly from: string | null;
    readonly replyTo: string | null;
    readonly priority: number;
    readonly ts: number;
}
/** What was sent: it is kept until the other side has acknowledged it. */
export interface SentEnvelope {
    readonly ok: true;
    readonly id: string;
    readonly roomId: string;
}
/** The room that was entered. With an agent: where it finds out that something waits for it. */
export interface ConnectedRoom {
    readonly roomId: string;
    readonly inbox: string;
    readonly invite: string;
    readonly agentId?: string;
    readonly notify?: string;
    readonly recv?: string;
    readonly hookCheck?: string;
}
/** An agent that has a queue of its own in a room. */
export interface QueuedAgent {
    readonly id: string;
    readonly unread: number;
}
/** A room of the bridge. */
export interface BridgeRoom {
    readonly roomId: string;
    readonly connected: boolean;
    readonly peer: string | null;
    readonly permission: Level | null;
    readonly unread: number;
    readonly total: number;
    readonly agents: readonly QueuedAgent[];
}
/** How it stands with a link. Of an unknown room only `connected` and `rooms` (how many there are) are told. */
export interface BridgeStatus {
    readonly connected: boolean;
    readonly rooms?: number;
    readonly reconnecting?: boolean;
    readonly roomId?: string;
    readonly peer?: string | null;
    readonly permission?: Level | null;
    readonly unread?: number;
    readonly total?: number;
    readonly pending?: number;
    readonly lastActivity?: number | null;
    readonly silenceSec?: number | null;
    readonly reconnectAttempt?: number;
    readonly connectionHint?: string;
    readonly inbox?: string;
    readonly agents?: readonly QueuedAgent[];
}
/** A task that was sent. */
export interface BridgeTask {
    readonly id: string;
    readonly description: string;
    readonly state: string;
    readonly priority: number;
    readonly sentAt: number;
    readonly completedAt: number | null;
    readonly resultId: string | null;
}
