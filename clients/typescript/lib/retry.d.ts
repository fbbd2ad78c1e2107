/** Sending again by itself what may be lost, without ever saying it twice. */
import type { Settings } from "./settings.js";
/** An idempotency key that nobody else has. */
export declare function newKey(): string;
/**
 * Calls `attempt` with the milliseconds that are left until it succeeds, fails for good, or `retryMs` are up; then the
 * last failure is thrown. `attempt` must be safe to repeat; `isOver` says that the client will not connect again.
 */
export declare function untilAnswered<Result>(attempt: (leftMs: number) => Promise<Result>, isOver: () => boolean, { retryMs, reconnectBaseMs, reconnectMaxMs, random, timers }: Settings): Promise<Result>;
