/** Getting a first key for an enrolment token. */
import { Connection } from "./connection.js";
import { NotConnectedError } from "./errors.js";
import { socketOpener } from "./host.js";
import { settle, shownUrl } from "./settings.js";
/**
 * Gets the API key that an enrolment token stands for; the token is void from then on.
 *
 * Rejects with `RpcError` when the server refuses: 4110 (unknown, used or expired), 4003 (locked), 4004 (banned), 4080
 * (too many failures); with `NotConnectedError` when the server cannot be reached, so that nothing was sent; and with
 * `ConnectionLostError` when the answer does not come: the key may have been made and lost on the way, and if the token is
 * refused with 4110 now, it was, and another token is needed.
 */
export async function enrol(token, { keyName, ...options } = {}) {
    if (!token) {
        throw new TypeError("there is no enrolment token"); // Left out, a key would be looked up in the environment.
    }
    // The token stands in the place of a key: it is as secret, and settings need one.
    const { url, timers, connectTimeoutMs, report } = settle({ ...options, apiKey: token });
    const openSocket = await socketOpener();
    return await new Promise((resolve, reject) => {
        let isSent = false;
        const connection = new Connection(url, openSocket, timers, {
            opened: () => {
                isSent = true;
                connection.send("agent.enrol", { token, keyName }).answer.then((result) => finish(() => resolve(result)), (error) => finish(() => reject(error)));
            },
            event: () => { },
            ended: ({ code, reason }) => {
                if (isSent) {
                    return; // The answer is lost, which its promise tells.
                }
                const why = reason === "" ? `closed with code ${code}` : reason;
                finish(() => reject(new NotConnectedError(`no connection to \`${shownUrl(url)}\`: ${why}`)));
            },
            nonsense: (error) => report(error, {}),
        });
        const timer = timers.setTimeout(() => {
            connection.abandon(`no answer within ${connectTimeoutMs} ms`);
        }, connectTimeoutMs);
        function finish(how) {
            timers.clearTimeout(timer);
            how();
            connection.close();
        }
    });
}
