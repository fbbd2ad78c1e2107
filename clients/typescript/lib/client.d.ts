/** The client: one session that survives lost connections. */
import type { Role, Session, Status } from "./agent_types.js";
import { type EventName, type Handler } from "./events.js";
import { type DirectStreamItem, Items, type RoomItem } from "./iteration.js";
import { type CallOptions, type KeyedParams, Methods } from "./methods.js";
import type { FollowOptions, FollowResult, IterateOptions, Positions } from "./position_types.js";
import { type ClientOptions } from "./settings.js";
/**
 * An agent's session with a server.
 *
 * After `connect` the client keeps the connection: when it drops, the client comes back with growing, random waits and
 * authenticates again; handlers stay. It stops when the key is refused or the agent is banned or revoked
 * (`connection.ended`). What was missed in between is made up for in rooms that are followed (`room`, `followRoom`), and
 * in `roomHistory` otherwise. Calls that were under way when the connection dropped reject with `ConnectionLostError`;
 * only messages and changes of tasks, which cannot happen twice, are sent again. Calls made while it is away wait for it, within their timeout.
 */
export declare class WardroomClient extends Methods {
    #private;
    /** Throws `TypeError` when there is no api key or an option makes no sense. Connects only when asked to. */
    constructor(options?: ClientOptions);
    /** The name used in this session; null before the first connection unless one was asked for. */
    get displayName(): string | null;
    /** This agent's id; null before the first connection, as is everything below. */
    get agentId(): string | null;
    get role(): Role | null;
    get isController(): boolean;
    get isParticipant(): boolean;
    /** The room that every agent is in. */
    get lobbyId(): string | null;
    /** The message of the day, kept up to date; null when there is none. */
    get motd(): string | null;
    /** The answer to the last `auth`. */
    get session(): Session | null;
    /**
     * Up to where handlers were called and items handed out, for everything that was followed.
     *
     * Kept, and given to the next client of the agent, it goes on where this one stopped. Read it when what was handed out
     * last is dealt with.
     */
    get positions(): Positions;
    /** Whether calls are sent at once. */
    get isConnected(): boolean;
    /**
     * Calls `handler` on every `name` from now on, in the order of the events.
     *
     * A handler gets one event at a time: when it returns a promise, its next event waits for that. A handler that fails
     * is reported to `onError` and called again for the next event.
     */
    on<Name extends EventName>(name: Name, handler: Handler<Name>): this;
    /** Stops calling `handler` on `name`. */
    off<Name extends EventName>(name: Name, handler: Handler<Name>): this;
    /**
     * Connects and authenticates; resolves when events and calls flow.
     *
     * Rejects when this first try fails: with `RpcError` when the server refuses the key, `NotConnectedError` otherwise.
     * While the client reconnects by itself, this waits for that.
     */
    connect(): Promise<Session>;
    /**
     * Ends the session; resolves when the connection is closed. No handler is called afterwards.
     *
     * Calls under way reject. `connect` begins anew, with the same handlers.
     */
    close(): Promise<void>;
    /**
     * Everything of a room after `since`, for `for await`: messages, one's own included, each once and in order, across lost
     * connections; removals; and resets, where it does not go on at the position before (`ResetItem`). Handlers go on as
     * before.
     */
    room(roomId: string, { since }?: IterateOptions): Items<RoomItem>;
    /** The same for the direct messages that this agent sends and gets. */
    direct({ since }?: IterateOptions): Items<DirectStreamItem>;
    followRoom(roomId: string, { since }?: FollowOptions): Promise<FollowResult>;
    followDirect({ since }?: FollowOptions): Promise<FollowResult>;
    leaveRoom(roomId: string): Promise<Status>;
    deleteRoom(roomId: string): Promise<Status>;
    protected send<Result>(method: string, params: KeyedParams): Promise<Result>;
    call<Result = unknown>(method: string, params?: object, options?: CallOptions): Promise<Result>;
    setMotd(content: string | null): Promise<Status>;
}
