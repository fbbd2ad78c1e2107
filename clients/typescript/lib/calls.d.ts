/** Calls under way: sent, or waiting for a connection to be sent on. */
import type { Connection } from "./connection.js";
import { WardroomError } from "./errors.js";
import type { Timers } from "./settings.js";
/** Keeps the calls of a client until they are answered, lost or too late. */
export declare class Calls {
    #private;
    constructor(timers: Timers);
    /** Starts a call: sends it on `connection`, or keeps it for `sendWaiting` when that is null. */
    start(method: string, params: object | undefined, timeoutMs: number, connection: Connection | null, onResult?: (result: unknown) => void): Promise<unknown>;
    /** Sends what has waited for a connection, in the order of the calls. */
    sendWaiting(connection: Connection): void;
    /** Fails what waits for a connection that will not come. */
    failWaiting(error: WardroomError): void;
}
