import { type TestContext } from "node:test";
import { type ClientOptions, WardroomClient } from "wardroom-client";
import { ScriptedServer, type ServerLink } from "./scripted_server.js";
import { ManualTimers } from "./timers.js";

export const KEY = `bl_k_${"a1".repeat(24)}`;

/** Delays that differ, so that a test can name the timer it means. */
export const DELAYS = {
  requestTimeoutMs: 30_001,
  connectTimeoutMs: 10_001,
  heartbeatMs: 30_002,
  reconnectBaseMs: 1_000,
  reconnectMaxMs: 8_000,
};

/** The delay after which a connection counts as good again. */
export const STABLE_AFTER_MS = 10_000;

/** The delay after which an orderly close turns into a cut. */
export const CLOSE_TIMEOUT_MS = 2_000;

export interface Stage {
  readonly server: ScriptedServer;
  readonly client: WardroomClient;
  readonly timers: ManualTimers;
  /** What was reported to `onError`. */
  readonly reports: { error: unknown; event: string | undefined }[];
}

/** A scripted server and a client of it that is not connected, both gone when the test ends. */
export async function stage(test: TestContext, options: ClientOptions = {}): Promise<Stage> {
  const server = await ScriptedServer.start();
  const timers = new ManualTimers();
  const reports: Stage["reports"] = [];
  const client = new WardroomClient({
    url: server.url,
    apiKey: KEY,
    ...DELAYS,
    timers,
    random: () => 0.5,
    onError: (error, { event }) => reports.push({ error, event }),
    ...options,
  });
  test.after(async () => {
    const closed = client.close();
    await server.stop();
    await closed;
  });
  return { server, client, timers, reports };
}

/** The same with the client connected; `link` is the server's end. */
export async function connected(test: TestContext, options: ClientOptions = {}): Promise<Stage & { link: ServerLink }> {
  const set = await stage(test, options);
  const [link] = await Promise.all([set.server.admit(), set.client.connect()]);
  return { ...set, link };
}
