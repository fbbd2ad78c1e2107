/** When to come back after a lost connection, and when not to. */
import { ErrorCode, isObject, RpcError } from "./errors.js";
/**
 * How long to wait before try number `attempt` (from 0), in milliseconds.
 *
 * The bound doubles with every try, and the wait is anywhere below the bound: clients that lost the same server at the
 * same moment come back spread over time.
 */
export function backoffMs(attempt, baseMs, maxMs, random) {
    const bound = Math.min(maxMs, baseMs * 2 ** attempt);
    return Math.floor(random() * bound);
}
/** Whether coming back with the same key makes no sense after this close. */
export function isFinalClose(code, reason) {
    if (code === ErrorCode.authFailed || code === ErrorCode.agentBanned) {
        return true;
    }
    // Only a reason that begins so: a kick may carry any text, and a wrong guess here would end the client for good,
    // while a missed one costs a single try that authentication then refuses.
    return code === 1008 && /^(agent )?(banned|revoked)\b/i.test(reason);
}
/** Whether the session was closed in favour of a newer one of the same agent, which had too many. */
export function isReplaced(code, reason) {
    return code === 1008 && reason.startsWith("replaced by a newer session");
}
/** Whether authenticating again with the same key makes no sense after this error. */
export function isFinalError(error) {
    return error instanceof RpcError && (error.code === ErrorCode.authFailed || error.code === ErrorCode.agentBanned);
}
/** How long the server asked to be left alone, in milliseconds; 0 when it did not. */
export function retryAfterMs(error) {
    const asked = error instanceof RpcError && isObject(error.data) ? error.data["retryAfterMs"] : undefined;
    return typeof asked === "number" && asked > 0 ? Math.min(asked, MAX_RETRY_AFTER_MS) : 0;
}
/** A server that asks for more than this is not believed. */
const MAX_RETRY_AFTER_MS = 5 * 60_000;
