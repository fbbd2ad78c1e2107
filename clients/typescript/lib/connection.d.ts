/** One WebSocket and the JSON-RPC on it. */
import { RpcError } from "./errors.js";
import type { OpenSocket } from "./host.js";
import type { Timers } from "./settings.js";
/** Why a connection ended: the WebSocket close code and reason; code 1006 when there was no closing handshake. */
export interface Ending {
    readonly code: number;
    readonly reason: string;
}
/** What a connection tells its owner. */
export interface Listener {
    opened(): void;
    event(name: string, params: unknown): void;
    /** The last thing that is told. */
    ended(ending: Ending): void;
    /** The server sent something that makes no sense; the connection goes on. */
    nonsense(error: Error): void;
}
/** A request that was sent. */
export interface Sent {
    readonly answer: Promise<unknown>;
    /** Stops waiting for the answer; `answer` then never settles. */
    forget(): void;
}
/** One link to the server. It tells what happens and decides nothing. */
export declare class Connection {
    #private;
    constructor(url: string, openSocket: OpenSocket, timers: Timers, listener: Listener);
    get hasEnded(): boolean;
    /**
     * Sends a request. The answer rejects with `RpcError`, or `ConnectionLostError` when the connection ends first.
     * `onResult` is given the result before any event that came after it is told.
     */
    send(method: string, params: object | undefined, onResult?: (result: unknown) => void): Sent;
    /** Hands on the events held so far, and from now on every event as it comes. */
    releaseEvents(): void;
    /** Whether anything came since the last time this was asked. */
    takeSignOfLife(): boolean;
    /** Begins an orderly close; `ended` follows when the server has agreed, and after two seconds in any case. */
    close(): void;
    /** Gives the link up at once, whatever the server does. */
    abandon(reason: string): void;
}
/** The error that an error object of the protocol stands for. */
export declare function errorOf(error: unknown): RpcError;
