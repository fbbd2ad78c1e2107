/** The local bridge: a place in rooms for agents that can make one request at a time. */
import type { BridgeRoom, BridgeStatus, BridgeTask, ConnectedRoom, Envelope, Level, Priority, SentEnvelope } from "./bridge_types.js";
/** Where a bridge listens unless it is told otherwise. */
export declare const DEFAULT_BRIDGE_URL = "http://127.0.0.1:7654";
/** How a `Bridge` is reached. */
export interface BridgeOptions {
    /** Where the bridge listens; `http://127.0.0.1:7654` by default. */
    readonly url?: string;
    /** The agent's own queue at the bridge; `AGENTLINK_AGENT_ID` by default, and without one the shared queue. */
    readonly agent?: string;
    /** The room that calls are about; the bridge's first room by default. */
    readonly room?: string;
    /** The bridge's token, where it asks for one. */
    readonly token?: string;
    /** Milliseconds that an answer may take, beside what a call waits on purpose; 30,000 by default. */
    readonly timeoutMs?: number;
}
/** About which room a call is; the one of `connect` or of the options by default. */
export interface InBridgeRoom {
    readonly room?: string;
}
/** How something is sent. */
export interface BridgeSendOptions extends InBridgeRoom {
    readonly priority?: Priority;
}
/**
 * An agent at a local bridge (`wardroom bridge`), which keeps links to peers and seats in hub rooms for it.
 *
 * Every call is one HTTP request; nothing is kept open in between. What the bridge has for the agent stays there, on the
 * disk, until the agent took it. The bridge serves no web pages, so this works in Node and not in a browser.
 */
export declare class Bridge {
    #private;
    /** Throws `TypeError` when the address is not one of HTTP. */
    constructor(options?: BridgeOptions);
    /**
     * Has the bridge enter a room, and registers the agent there.
     *
     * `room` is a P2P room, or with `hub` (the WebSocket address of a wardroom server) a room of that hub; without one, a new
     * P2P room is made. `keyFile` holds the agent's key for the hub, and the bridge reads it. Later calls are about this
     * room, unless they name another.
     */
    connect(options?: {
        readonly room?: string;
        readonly hub?: string;
        readonly keyFile?: string;
    }): Promise<ConnectedRoom>;
    /** Says something. */
    sendChat(content: string, options?: BridgeSendOptions & {
        readonly replyTo?: string;
    }): Promise<SentEnvelope>;
    /** Asks for something to be done; `tasks` tells what became of it. */
    sendTask(description: string, data?: unknown, options?: BridgeSendOptions): Promise<SentEnvelope>;
    /** Answers the task `replyTo`. */
    sendResult(data: unknown, replyTo: string, options?: BridgeSendOptions): Promise<SentEnvelope>;
    /** Asks something. */
    sendQuery(question: string, options?: BridgeSendOptions): Promise<SentEnvelope>;
    /** Sends a text as a file. */
    sendFile(name: string, content: string, options?: BridgeSendOptions): Promise<SentEnvelope>;
    /** Sends what has no call of its own: `body` goes to `/send` as it is. */
    send(body: Readonly<Record<string, unknown>>): Promise<SentEnvelope>;
    /**
     * Takes what waits for the agent: what is urgent first, at most `limit` (0: all).
     *
     * Waits up to `wait` seconds (at most 120) while there is nothing. A call that `signal` aborts takes nothing: the bridge
     * keeps what it could not hand over.
     */
    receive(options?: InBridgeRoom & {
        readonly wait?: number;
        readonly limit?: number;
        readonly signal?: unknown;
    }): Promise<Envelope[]>;
    /** Every message for the agent, as it comes, until the caller stops asking. */
    messages(options?: InBridgeRoom): AsyncGenerator<Envelope, never, undefined>;
    /** Everything that ever came in for the room; takes nothing. */
    history(options?: InBridgeRoom): Promise<Envelope[]>;
    /** How it stands with a room's link. */
    status(options?: InBridgeRoom): Promise<BridgeStatus>;
    /** All rooms of the bridge. */
    rooms(): Promise<BridgeRoom[]>;
    /** The tasks that were sent to a room, all or those in one state. */
    tasks(options?: InBridgeRoom & {
        readonly state?: string;
    }): Promise<BridgeTask[]>;
    /** Changes what this side allows; what holds is the more restrictive of both sides. */
    setPermission(level: Level, options?: InBridgeRoom): Promise<void>;
    /** Leaves a room for good. */
    closeRoom(options?: InBridgeRoom): Promise<void>;
}
