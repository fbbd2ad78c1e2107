/** Iterating over a room or over direct messages: `for await (const item of client.room(roomId))`. */
import type { EventMap } from "./events.js";
import type { Position, Reset } from "./position_types.js";
import { Reader, type Stream, type StreamEvent } from "./streams.js";
import type { Message } from "./types.js";
/** A message of a room; `message.removed` is true when its content was removed before it was read. */
export interface MessageItem {
    readonly kind: "message";
    readonly roomId: string;
    readonly message: Message;
}
/** A direct message that this agent got, or, with `toAgentId`, sent. */
export interface DirectItem {
    readonly kind: "dm";
    readonly message: EventMap["dm"];
}
/**
 * The content of a message was removed.
 *
 * Removals have no position: those that happened while the client was away are told when it is back, and one may be told
 * more than once. A message that is read afterwards says so itself. Removals of direct messages name the lobby, and come
 * with those of the lobby's own.
 */
export interface RemovalItem {
    readonly kind: "removal";
    readonly roomId: string;
    readonly messageId: string;
    readonly removedBy: string;
    readonly reason: string | null;
}
/**
 * Iteration does not go on at the position before.
 *
 * With the reason `retention` what lies between is not kept any longer. With `epoch` the server has another database, for
 * instance one that was restored from a backup: iteration goes on with what is said from now on, and what is stored is shown
 * by another iteration, from before `oldest`.
 */
export interface ResetItem {
    readonly kind: "reset";
    readonly reset: Reset;
}
export type RoomItem = MessageItem | RemovalItem | ResetItem;
export type DirectStreamItem = DirectItem | RemovalItem | ResetItem;
type AnyItem = RoomItem | DirectStreamItem;
/** Keeps what was not yet asked for, up to `capacity` messages and as many removals. */
export declare class BufferedReader extends Reader {
    #private;
    readonly isForHandlers = false;
    /** Resolves when the server follows, and when it never will. */
    readonly followed: Promise<void>;
    constructor(since: Position | null, capacity: number);
    get isFull(): boolean;
    answered(): void;
    take(event: StreamEvent, params: unknown, position: Position): void;
    /** Takes note of a removal; false when there is no room for it. */
    takeRemoval(params: EventMap["message.removed"]): boolean;
    fail(error: unknown): void;
    /** Nothing more comes; what is here can still be read, then comes `error` if there is one. */
    end(error?: unknown): void;
    /** The next item; null at the end. `drained` is called when there is room again. */
    nextItem(drained: () => void): Promise<AnyItem | null>;
}
/**
 * Everything of a room, or of the direct messages, from a position on: each message once and in order.
 *
 * Begins with the first item that is asked for, or with `begin`. Ends when the client is closed; rejects with what ended
 * the client otherwise, and with `RpcError` when the room may not be followed, or not any longer. Leaving the loop, or
 * `return`, ends it on this side. Items are asked for one at a time.
 */
export declare class Items<Item extends RoomItem | DirectStreamItem> implements AsyncIterableIterator<Item> {
    #private;
    /** Made by `client.room` and `client.direct`. */
    constructor(start: () => {
        reader: BufferedReader;
        stream: Stream;
    }, check: (stream: Stream) => void);
    /** The position of the last item handed out, from which `since` goes on; null before the server named one. */
    get position(): Position | null;
    /** Begins now instead of with the first item; resolves when the server follows, or will not, which `next` then tells. */
    begin(): Promise<this>;
    next(): Promise<IteratorResult<Item, undefined>>;
    return(): Promise<IteratorResult<Item, undefined>>;
    [Symbol.asyncIterator](): this;
}
export {};
