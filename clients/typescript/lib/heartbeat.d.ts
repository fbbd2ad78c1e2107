/** Notices a dead link: browsers cannot ping, and a vanished server closes nothing. */
import type { Connection } from "./connection.js";
import type { Timers } from "./settings.js";
/** Watches one connection until `stop`. Abandons it when a whole period passes in silence after a probe. */
export declare class Heartbeat {
    #private;
    constructor(connection: Connection, periodMs: number, timers: Timers);
    stop(): void;
}
