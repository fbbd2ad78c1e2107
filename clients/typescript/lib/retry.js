/** Sending again by itself what may be lost, without ever saying it twice. */
import { backoffMs, retryAfterMs } from "./backoff.js";
import { ConnectionLostError, ErrorCode, NotConnectedError, RequestTimeoutError, RpcError } from "./errors.js";
import { host } from "./host.js";
/** Refusals after which the same message may be sent again under its key. */
const RETRIED_CODES = [
    ErrorCode.limited,
    ErrorCode.storageUnavailable,
    ErrorCode.shuttingDown,
    ErrorCode.internalError,
];
/** An idempotency key that nobody else has. */
export function newKey() {
    const bytes = host.crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
/**
 * Calls `attempt` with the milliseconds that are left until it succeeds, fails for good, or `retryMs` are up; then the
 * last failure is thrown. `attempt` must be safe to repeat; `isOver` says that the client will not connect again.
 */
export async function untilAnswered(attempt, isOver, { retryMs, reconnectBaseMs, reconnectMaxMs, random, timers }) {
    const deadline = Date.now() + retryMs;
    for (let tries = 0;; tries += 1) {
        try {
            return await attempt(Math.max(1, deadline - Date.now()));
        }
        catch (error) {
            const delayMs = Math.max(retryAfterMs(error), backoffMs(tries, reconnectBaseMs, reconnectMaxMs, random));
            if (!isWorthAnotherTry(error) || isOver() || Date.now() + delayMs >= deadline) {
                throw error;
            }
            await new Promise((resolve) => void timers.setTimeout(resolve, delayMs));
        }
    }
}
function isWorthAnotherTry(error) {
    return error instanceof RpcError
        ? RETRIED_CODES.includes(error.code)
        : error instanceof ConnectionLostError || error instanceof RequestTimeoutError || error instanceof NotConnectedError;
}
