/** Sending again by itself what may be lost, without ever having it done twice. */
import type { Pauses } from "./pauses.js";
import type { Settings } from "./settings.js";
/** An idempotency key that nobody else has. */
export declare function newKey(): string;
/**
 * Calls `attempt` with the milliseconds that are left until it succeeds, fails for good, `retryMs` are up, or the client
 * ends. `attempt` must be safe to repeat, which it is under the idempotency key `key`.
 *
 * The last failure is thrown, unless it says that nothing was done while an earlier attempt may have been carried out:
 * then that one's is, with the last failure as its cause. A refusal for good is always the last word, because a server
 * looks for the key before anything that it refuses for.
 */
export declare function untilAnswered<Result>(attempt: (leftMs: number) => Promise<Result>, key: string, isOver: () => boolean, pauses: Pauses, { retryMs, reconnectBaseMs, reconnectMaxMs, random, now }: Settings): Promise<Result>;
