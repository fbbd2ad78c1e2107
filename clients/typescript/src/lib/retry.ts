/** Sending again by itself what may be lost, without ever having it done twice. */

import { backoffMs, retryAfterMs } from "./backoff.js";
import { ConnectionLostError, ErrorCode, NotConnectedError, RequestTimeoutError, RpcError } from "./errors.js";
import { host } from "./host.js";
import type { Pauses } from "./pauses.js";
import type { Settings } from "./settings.js";

/** Refusals after which the same request may be sent again under its key. */
const RETRIED_CODES: readonly number[] = [
  ErrorCode.limited,
  ErrorCode.storageUnavailable,
  ErrorCode.shuttingDown,
  ErrorCode.internalError,
];

/** An idempotency key that nobody else has. */
export function newKey(): string {
  const bytes = host.crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Calls `attempt` with the milliseconds that are left until it succeeds, fails for good, `retryMs` are up, or the client
 * ends. `attempt` must be safe to repeat, which it is under the idempotency key `key`.
 *
 * The last failure is thrown, unless it says that nothing was done while an earlier attempt may have been carried out:
 * then that one's is, with the last failure as its cause. A refusal for good is always the last word, because a server
 * looks for the key before anything that it refuses for.
 */
export async function untilAnswered<Result>(
  attempt: (leftMs: number) => Promise<Result>,
  key: string,
  isOver: () => boolean,
  pauses: Pauses,
  { retryMs, reconnectBaseMs, reconnectMaxMs, random, now }: Settings,
): Promise<Result> {
  const deadline = now() + retryMs;
  let doubtful: Doubtful | null = null;
  for (let tries = 0; ; tries += 1) {
    try {
      return await attempt(Math.max(1, deadline - now()));
    } catch (error) {
      if (isDoubtful(error)) {
        error.idempotencyKey = key;
        doubtful = error;
      }
      const delayMs = Math.max(retryAfterMs(error), backoffMs(tries, reconnectBaseMs, reconnectMaxMs, random));
      const mayGoOn = isWorthAnotherTry(error) && !isOver() && now() + delayMs < deadline;
      if (mayGoOn && (await pauses.wait(delayMs))) {
        continue;
      }
      if (doubtful === null || doubtful === error || isForGood(error)) {
        throw error;
      }
      doubtful.cause = error;
      throw doubtful;
    }
  }
}

type Doubtful = ConnectionLostError | RequestTimeoutError;

/** Whether the request may have been carried out. */
function isDoubtful(error: unknown): error is Doubtful {
  return error instanceof ConnectionLostError || error instanceof RequestTimeoutError;
}

function isForGood(error: unknown): boolean {
  return error instanceof RpcError && !RETRIED_CODES.includes(error.code);
}

function isWorthAnotherTry(error: unknown): boolean {
  return error instanceof RpcError ? !isForGood(error) : isDoubtful(error) || error instanceof NotConnectedError;
}
