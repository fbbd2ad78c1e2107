/** Getting a first key for an enrolment token. */
import type { EnrolledAgent } from "./agent_types.js";
import { type ClientOptions } from "./settings.js";
export interface EnrolOptions extends Omit<ClientOptions, "apiKey" | "displayName"> {
    /** What to call the key; what the token says when left out. */
    keyName?: string | undefined;
}
/**
 * Gets the API key that an enrolment token stands for; the token is void from then on.
 *
 * Rejects with `RpcError` when the server refuses: 4110 (unknown, used or expired), 4003 (locked), 4004 (banned), 4080
 * (too many failures); with `NotConnectedError` when the server cannot be reached, so that nothing was sent; and with
 * `ConnectionLostError` when the answer does not come: the key may have been made and lost on the way, and if the token is
 * refused with 4110 now, it was, and another token is needed.
 */
export declare function enrol(token: string, { keyName, ...options }?: EnrolOptions): Promise<EnrolledAgent>;
