/** Waits that end with the client. */
import type { Timers } from "./settings.js";
/** Waits of one client; `endAll` leaves no timer behind. */
export declare class Pauses {
    #private;
    constructor(timers: Timers);
    /** Waits; true when the time is over, false when `endAll` ended the wait before. */
    wait(delayMs: number): Promise<boolean>;
    endAll(): void;
}
