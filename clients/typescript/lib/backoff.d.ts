/** When to come back after a lost connection, and when not to. */
import { RpcError } from "./errors.js";
/**
 * How long to wait before try number `attempt` (from 0), in milliseconds.
 *
 * The bound doubles with every try, and the wait is anywhere below the bound: clients that lost the same server at the
 * same moment come back spread over time.
 */
export declare function backoffMs(attempt: number, baseMs: number, maxMs: number, random: () => number): number;
/** Whether coming back with the same key makes no sense after this close. */
export declare function isFinalClose(code: number, reason: string): boolean;
/** Whether the session was closed in favour of a newer one of the same agent, which had too many. */
export declare function isReplaced(code: number, reason: string): boolean;
/** Whether authenticating again with the same key makes no sense after this error. */
export declare function isFinalError(error: unknown): error is RpcError;
/** How long the server asked to be left alone, in milliseconds; 0 when it did not. */
export declare function retryAfterMs(error: unknown): number;
