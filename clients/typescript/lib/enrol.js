/** Getting a first key for an enrolment token. */
import { Connection } from "./connection.js";
import { NotConnectedError } from "./errors.js";
import { socketOpener } from "./host.js";
import { settle, shownUrl } from "./settings.js";
/**
 * Gets the API key that an enrolment token stands for; the token is void from then on.
 *
 * Rejects with `RpcError` when the server refuses: 4110 (unknown, used or expired), 4003 (locked), 4004 (banned), 4080
 * (too many failures); with `NotConnectedError` when the server cannot be reached, and `ConnectionLostError` when the
 * connection ends before the answer comes.
 */
export async function enrol(token, { keyName, ...options } = {}) {
    // The token stands in the place of a key: it is as secret, and settings need one.
    const { url, timers, connectTimeoutMs, report } = settle({ ...options, apiKey: token });
    const openSocket = await socketOpener();
    return await new Promise((resolve, reject) => {
        const connection = new Connection(url, openSocket, timers, {
            opened: () => {
                connection.send("agent.enrol", { token, keyName }).answer.then((result) => finish(() => resolve(result)), (error) => finish(() => reject(error)));
            },
            event: () => { },
            ended: ({ code, reason }) => {
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
