import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { inspect } from "node:util";
import { WardroomClient } from "wardroom-client";
import { BroodLinkClient } from "wardroom-client/broodlink_client.js";
import { ScriptedServer, SESSION } from "./support/scripted_server.js";
import { KEY } from "./support/setup.js";

const NAMES = ["URL", "API_KEY", "DISPLAY_NAME"].flatMap((name) => [`WARDROOM_${name}`, `BROODLINK_${name}`]);

describe("settings", () => {
  let saved: [string, string | undefined][] = [];

  beforeEach(() => {
    saved = NAMES.map((name) => [name, process.env[name]]);
    for (const name of NAMES) {
      delete process.env[name];
    }
  });

  afterEach(() => {
    for (const [name, value] of saved) {
      if (value === undefined) {
        delete process.env[name];
      } else {
        process.env[name] = value;
      }
    }
  });

  /** The params of the `auth` that a client sends when it takes everything from the environment. */
  async function authFromEnvironment(environment: Record<string, string>): Promise<unknown> {
    const server = await ScriptedServer.start();
    try {
      Object.assign(process.env, environment);
      for (const name of ["WARDROOM_URL", "BROODLINK_URL"]) {
        if (process.env[name] === "SERVER") {
          process.env[name] = server.url;
        }
      }
      const client = new WardroomClient();
      const opening = client.connect();
      const link = await server.accept();
      const request = await link.expect("auth");
      link.answer(request, SESSION);
      await opening;
      await client.close();
      return request.params;
    } finally {
      await server.stop();
    }
  }

  test("everything can come from the environment", async () => {
    assert.deepEqual(
      await authFromEnvironment({ BROODLINK_URL: "SERVER", BROODLINK_API_KEY: KEY, BROODLINK_DISPLAY_NAME: "bea" }),
      { apiKey: KEY, displayName: "bea" },
    );
  });

  test("the names of wardroom go before those of BroodLink, and an empty value counts as none", async () => {
    assert.deepEqual(
      await authFromEnvironment({
        WARDROOM_URL: "SERVER",
        BROODLINK_URL: "ws://127.0.0.1:1",
        WARDROOM_API_KEY: KEY,
        BROODLINK_API_KEY: "not this one",
        WARDROOM_DISPLAY_NAME: "",
        BROODLINK_DISPLAY_NAME: "bea",
      }),
      { apiKey: KEY, displayName: "bea" },
    );
  });

  test("options go before the environment", () => {
    process.env["WARDROOM_DISPLAY_NAME"] = "environment";
    assert.equal(new WardroomClient({ apiKey: KEY, displayName: "option" }).displayName, "option");
    assert.equal(new WardroomClient({ apiKey: KEY }).displayName, "environment");
  });

  test("a missing key is refused at once", () => {
    assert.throws(() => new WardroomClient({ url: "ws://127.0.0.1:1" }), /no api key: pass `apiKey` or set `WARDROOM_API_KEY`/);
    assert.throws(() => new WardroomClient({ apiKey: "" }), TypeError);
  });

  test("an address that is none is refused without repeating it", () => {
    assert.throws(
      () => new WardroomClient({ apiKey: KEY, url: `${KEY} oops` }),
      (error) => error instanceof TypeError && /`url` is not a valid address/.test(error.message) && !inspect(error).includes(KEY),
    );
    assert.throws(() => new WardroomClient({ apiKey: KEY, url: "http://127.0.0.1" }), /must begin with `ws:\/\/` or `wss:\/\/`/);
  });

  test("delays that make no sense are refused", () => {
    for (const value of [-1, 0, Number.NaN, Infinity]) {
      assert.throws(() => new WardroomClient({ apiKey: KEY, requestTimeoutMs: value }), /`requestTimeoutMs` must be/);
    }
    assert.throws(() => new WardroomClient({ apiKey: KEY, heartbeatMs: -1 }), /`heartbeatMs` must be/);
    assert.ok(new WardroomClient({ apiKey: KEY, heartbeatMs: 0 }));
  });

  test("a printed client does not show its key", () => {
    const client = new WardroomClient({ apiKey: KEY });
    assert.ok(!inspect(client, { showHidden: true, depth: null }).includes(KEY));
    assert.ok(!JSON.stringify(client).includes(KEY));
  });

  test("BroodLinkClient is the same class", () => {
    assert.equal(BroodLinkClient, WardroomClient);
  });
});
