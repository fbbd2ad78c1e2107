/** Getting a first key, and what is known when the answer does not come. */

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { inspect } from "node:util";
import { ConnectionLostError, enrol, NotConnectedError } from "wardroom-client";
import { ScriptedServer } from "./support/scripted_server.js";
import { DELAYS } from "./support/setup.js";
import { ManualTimers } from "./support/timers.js";

const TOKEN = `bl_e_${"7c".repeat(24)}`;

async function listening(t: TestContext): Promise<ScriptedServer> {
  const server = await ScriptedServer.start();
  t.after(() => server.stop());
  return server;
}

function isLost(error: unknown): boolean {
  return error instanceof ConnectionLostError && !inspect(error).includes(TOKEN);
}

test("regression: a lost answer is not taken for a request that was never sent", async (t) => {
  const server = await listening(t);
  const failed = assert.rejects(enrol(TOKEN, { url: server.url }), isLost);
  const link = await server.accept();
  await link.expect("agent.enrol");
  link.drop();
  await failed;
});

test("an answer that does not come leaves the outcome unknown", async (t) => {
  const server = await listening(t);
  const timers = new ManualTimers();
  const failed = assert.rejects(enrol(TOKEN, { url: server.url, timers, connectTimeoutMs: DELAYS.connectTimeoutMs }), isLost);
  const link = await server.accept();
  await link.expect("agent.enrol");
  await timers.runOut(DELAYS.connectTimeoutMs);
  await failed;
});

test("a server that is not there was sent nothing", async (t) => {
  const server = await listening(t);
  await server.stop();
  await assert.rejects(enrol(TOKEN, { url: server.url }), NotConnectedError);
});

test("regression: a token that is missing is not looked up in the environment", async (t) => {
  const server = await listening(t);
  process.env["WARDROOM_API_KEY"] = "bl_k_secret";
  t.after(() => {
    delete process.env["WARDROOM_API_KEY"];
  });
  for (const token of ["", undefined as unknown as string]) {
    await assert.rejects(enrol(token, { url: server.url }), /no enrolment token/);
  }
});
