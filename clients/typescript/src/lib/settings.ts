/** How a client is set up: options, environment, defaults and limits. */

import { environment, host } from "./host.js";
import type { Positions } from "./position_types.js";

/** Where the client reports what it cannot throw to anybody. */
export type ErrorReport = (error: unknown, context: { event?: string }) => void;

/** Timers, as the host has them; tests put their own here. */
export interface Timers {
  setTimeout(callback: () => void, delayMs: number): unknown;
  clearTimeout(timer: unknown): void;
}

export interface ClientOptions {
  /**
   * Address of the server, `ws://` or `wss://`.
   *
   * When left out: `WARDROOM_URL`, then `BROODLINK_URL` of the environment, then `ws://127.0.0.1:18800`.
   */
  url?: string | undefined;
  /** The agent's key. When left out: `WARDROOM_API_KEY`, then `BROODLINK_API_KEY` of the environment. */
  apiKey?: string | undefined;
  /**
   * The name used in this session instead of the registered one.
   *
   * When left out: `WARDROOM_DISPLAY_NAME`, then `BROODLINK_DISPLAY_NAME` of the environment.
   */
  displayName?: string | undefined;
  /** How long a call waits for its answer, time without a connection included; 30 000 ms when left out. */
  requestTimeoutMs?: number | undefined;
  /** How long opening the connection and authenticating may take; 10 000 ms when left out. */
  connectTimeoutMs?: number | undefined;
  /**
   * After this long without hearing anything, the client asks the server for a sign of life, and reconnects when none
   * comes within the same time; 30 000 ms when left out, 0 turns it off.
   */
  heartbeatMs?: number | undefined;
  /** Upper bound of the first wait before reconnecting; it doubles with every try. 500 ms when left out. */
  reconnectBaseMs?: number | undefined;
  /** Upper bound of every wait before reconnecting; 30 000 ms when left out. */
  reconnectMaxMs?: number | undefined;
  /**
   * Up to where an earlier client of this agent had everything, as its `positions` said. Where there are handlers for it
   * when the client connects, they are shown what follows; other rooms are followed from there by `followRoom` and `room`.
   */
  positions?: Positions | undefined;
  /** Messages that may wait for each iteration over a room; 1024 when left out. What comes beyond is fetched again. */
  iterationBufferSize?: number | undefined;
  /**
   * How long `sendMessage`, `sendDm` and the changes of tasks try by themselves, under one idempotency key, after a lost
   * connection, a time-out and the errors 4080, 4090, 4092 and -32603; 60 000 ms when left out, 0: one try. Only with servers
   * that know such keys.
   */
  retryMs?: number | undefined;
  /** Told of failing handlers and of frames that make no sense; when left out they go to `console.error`. */
  onError?: ErrorReport | undefined;
  /** Random numbers in [0, 1) for the jitter; `Math.random` when left out. */
  random?: (() => number) | undefined;
  timers?: Timers | undefined;
}

/** The options with everything filled in. */
export interface Settings {
  readonly url: string;
  readonly apiKey: string;
  readonly displayName: string | undefined;
  readonly requestTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly heartbeatMs: number;
  readonly reconnectBaseMs: number;
  readonly reconnectMaxMs: number;
  readonly positions: Positions | undefined;
  readonly iterationBufferSize: number;
  readonly retryMs: number;
  readonly report: ErrorReport;
  readonly random: () => number;
  readonly timers: Timers;
  /** Milliseconds on a clock that nobody sets. */
  readonly now: () => number;
}

const DEFAULT_URL = "ws://127.0.0.1:18800";

/** Timers of both hosts fire at once when asked for more than this. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** Fills in environment and defaults; throws `TypeError` when something is missing or makes no sense. */
export function settle(options: ClientOptions): Settings {
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
export function shownUrl(url: string): string {
  const { protocol, host: hostAndPort, pathname } = new host.URL(url);
  return `${protocol}//${hostAndPort}${pathname}`;
}

function fromEnvironment(name: string): string | undefined {
  return environment(`WARDROOM_${name}`) ?? environment(`BROODLINK_${name}`);
}

function checkedUrl(url: string): string {
  let protocol: string;
  try {
    protocol = new host.URL(url).protocol;
  } catch {
    // The text itself is not repeated: somebody may have put a key there.
    throw new TypeError("`url` is not a valid address, expected something like `ws://127.0.0.1:18800`");
  }
  if (protocol !== "ws:" && protocol !== "wss:") {
    throw new TypeError(`\`url\` must begin with \`ws://\` or \`wss://\`, not with \`${protocol}\``);
  }
  return url;
}

function checkedKey(apiKey: string | undefined): string {
  if (apiKey === undefined || apiKey === "") {
    throw new TypeError("there is no api key: pass `apiKey` or set `WARDROOM_API_KEY`");
  }
  return apiKey;
}

function duration(name: string, value: number | undefined, fallback: number, minimum = 1): number {
  const chosen = value ?? fallback;
  if (!(chosen >= minimum && chosen <= MAX_DELAY_MS)) {
    throw new TypeError(`\`${name}\` must be a number of milliseconds from ${minimum} to ${MAX_DELAY_MS}`);
  }
  return chosen;
}

/** A report that never throws: nothing could catch it. */
function guarded(report: ErrorReport): ErrorReport {
  return (error, context) => {
    try {
      report(error, context);
    } catch (failure) {
      toConsole(error, context);
      toConsole(failure, {});
    }
  };
}

function toConsole(error: unknown, context: { event?: string }): void {
  const where = context.event === undefined ? "" : ` in a handler of \`${context.event}\``;
  host.console.error(`wardroom client: error${where}:`, error);
}
