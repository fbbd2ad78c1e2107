/** How a client is set up: options, environment, defaults and limits. */
import { environment, host } from "./host.js";
const DEFAULT_URL = "ws://127.0.0.1:18800";
/** Timers of both hosts fire at once when asked for more than this. */
const MAX_DELAY_MS = 2 ** 31 - 1;
/** Fills in environment and defaults; throws `TypeError` when something is missing or makes no sense. */
export function settle(options) {
    return {
        url: checkedUrl(options.url ?? fromEnvironment("URL") ?? DEFAULT_URL),
        apiKey: checkedKey(options.apiKey ?? fromEnvironment("API_KEY")),
        displayName: options.displayName ?? fromEnvironment("DISPLAY_NAME"),
        requestTimeoutMs: duration("requestTimeoutMs", options.requestTimeoutMs, 30_000),
        connectTimeoutMs: duration("connectTimeoutMs", options.connectTimeoutMs, 10_000),
        heartbeatMs: duration("heartbeatMs", options.heartbeatMs, 30_000, 0),
        reconnectBaseMs: duration("reconnectBaseMs", options.reconnectBaseMs, 500),
        reconnectMaxMs: duration("reconnectMaxMs", options.reconnectMaxMs, 30_000),
        positions: options.positions,
        iterationBufferSize: Math.max(1, options.iterationBufferSize ?? 1024),
        retryMs: duration("retryMs", options.retryMs, 60_000, 0),
        report: guarded(options.onError ?? toConsole),
        random: options.random ?? Math.random,
        timers: options.timers ?? {
            setTimeout: (callback, delayMs) => host.setTimeout(callback, delayMs),
            clearTimeout: (timer) => host.clearTimeout(timer),
        },
        now: () => host.performance.now(),
    };
}
/** The address as messages may show it: without the credentials and the query it may hold. */
export function shownUrl(url) {
    const { protocol, host: hostAndPort, pathname } = new host.URL(url);
    return `${protocol}//${hostAndPort}${pathname}`;
}
function fromEnvironment(name) {
    return environment(`WARDROOM_${name}`) ?? environment(`BROODLINK_${name}`);
}
function checkedUrl(url) {
    let protocol;
    try {
        protocol = new host.URL(url).protocol;
    }
    catch {
        // The text itself is not repeated: somebody may have put a key there.
        throw new TypeError("`url` is not a valid address, expected something like `ws://127.0.0.1:18800`");
    }
    if (protocol !== "ws:" && protocol !== "wss:") {
        throw new TypeError(`\`url\` must begin with \`ws://\` or \`wss://\`, not with \`${protocol}\``);
    }
    return url;
}
function checkedKey(apiKey) {
    if (apiKey === undefined || apiKey === "") {
        throw new TypeError("there is no api key: pass `apiKey` or set `WARDROOM_API_KEY`");
    }
    return apiKey;
}
function duration(name, value, fallback, minimum = 1) {
    const chosen = value ?? fallback;
    if (!(chosen >= minimum && chosen <= MAX_DELAY_MS)) {
        throw new TypeError(`\`${name}\` must be a number of milliseconds from ${minimum} to ${MAX_DELAY_MS}`);
    }
    return chosen;
}
/** A report that never throws: nothing could catch it. */
function guarded(report) {
    return (error, context) => {
        try {
            report(error, context);
        }
        catch (failure) {
            toConsole(error, context);
            toConsole(failure, {});
        }
    };
}
function toConsole(error, context) {
    const where = context.event === undefined ? "" : ` in a handler of \`${context.event}\``;
    host.console.error(`wardroom client: error${where}:`, error);
}
