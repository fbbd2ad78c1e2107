/** Sending again by itself. */

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { type ClientOptions, ConnectionLostError, RpcError, type TaskReceipt, WardroomClient } from "wardroom-client";
import { type ServerLink, ScriptedServer, SESSION } from "./support/scripted_server.js";
import { DELAYS, KEY } from "./support/setup.js";
import { ManualTimers } from "./support/timers.js";

const RECEIPT = { messageId: "m", timestamp: 1, seq: 1 };
const WELCOME = { ...SESSION, epoch: "epoch-1" };

interface Set {
  readonly server: ScriptedServer;
  readonly client: WardroomClient;
  readonly link: ServerLink;
}

async function meet(t: TestContext, options: ClientOptions = {}, session = WELCOME as typeof SESSION): Promise<Set> {
  const server = await ScriptedServer.start();
  const client = new WardroomClient({ url: server.url, apiKey: KEY, reconnectBaseMs: 1, reconnectMaxMs: 2, ...options });
  t.after(async () => {
    const closed = client.close();
    await server.stop();
    await closed;
  });
  const [link] = await Promise.all([server.admit(session), client.connect()]);
  return { server, client, link };
}

test("a lost answer is asked for again under the same key", async (t) => {
  const { server, client, link } = await meet(t);
  const sending = client.sendMessage("r", "hello");
  const first = await link.expect("message.send");
  assert.match(String(first.params?.["idempotencyKey"]), /^[0-9a-f]{32}$/);
  link.drop();
  const second = await server.admit(WELCOME);
  const again = await second.expect("message.send");
  assert.deepEqual(again.params, first.params);
  second.answer(again, RECEIPT);
  assert.deepEqual(await sending, RECEIPT);
});

for (const code of [4080, 4090, 4092, -32603]) {
  test(`the passing refusal ${code} is retried`, async (t) => {
    const { client, link } = await meet(t);
    const sending = client.sendDm("agent-2", "hello", "mine");
    link.refuse(await link.expect("message.dm"), code, "later", { retryable: true, retryAfterMs: 1 });
    const again = await link.expect("message.dm");
    assert.deepEqual(again.params, { toAgentId: "agent-2", content: "hello", idempotencyKey: "mine" });
    link.answer(again, RECEIPT);
    assert.deepEqual(await sending, RECEIPT);
  });
}

test("a time-out is retried", async (t) => {
  const timers = new ManualTimers();
  const { client, link } = await meet(t, { timers, ...DELAYS, random: () => 0.5 });
  const sending = client.sendMessage("r", "hello");
  const first = await link.expect("message.send");
  await timers.runOut(DELAYS.requestTimeoutMs);
  await timers.runOut(DELAYS.reconnectBaseMs / 2);
  const again = await link.expect("message.send");
  assert.deepEqual(again.params, first.params);
  link.answer(again, RECEIPT);
  assert.deepEqual(await sending, RECEIPT);
});

test("other refusals are final", async (t) => {
  const { client, link } = await meet(t);
  const sending = assert.rejects(client.sendMessage("r", "hello"), { code: 4011 });
  link.refuse(await link.expect("message.send"), 4011, "no");
  await sending;
});

test("a wait beyond the time allowed is not begun", async (t) => {
  const { client, link } = await meet(t, { retryMs: 1_000 });
  const sending = assert.rejects(client.sendMessage("r", "hello"), RpcError);
  link.refuse(await link.expect("message.send"), 4080, "later", { retryAfterMs: 60_000 });
  await sending;
});

test("retrying can be turned off", async (t) => {
  const { client, link } = await meet(t, { retryMs: 0 });
  const sending = assert.rejects(client.sendMessage("r", "hello"), ConnectionLostError);
  assert.deepEqual((await link.expect("message.send")).params, { roomId: "r", content: "hello" });
  link.drop();
  await sending;
});

test("a server without keys is not sent anything twice", async (t) => {
  const { client, link } = await meet(t, {}, SESSION);
  const sending = assert.rejects(client.sendMessage("r", "hello"), ConnectionLostError);
  assert.deepEqual((await link.expect("message.send")).params, { roomId: "r", content: "hello" });
  link.drop();
  await sending;
});

test("regression: a message that may be stored is not said to be unsent", async (t) => {
  const { client, link } = await meet(t, { reconnectBaseMs: 60_000, reconnectMaxMs: 60_000, random: () => 0.5 });
  const sending = client.sendMessage("r", "hello");
  const failed = assert.rejects(sending, { name: "ConnectionLostError", idempotencyKey: /^[0-9a-f]{32}$/ });
  await link.expect("message.send");
  // It is not answered, and the request that repeats it is never made.
  link.close(1008, "banned");
  await failed;
});

for (const code of [4080, -32603]) {
  test(`regression: the passing refusal ${code} does not hide an earlier loss`, async (t) => {
    const { server, client, link } = await meet(t);
    const sending = client.sendMessage("r", "hello", { idempotencyKey: "mine" });
    const failed = assert.rejects(sending, (error) => {
      assert.ok(error instanceof ConnectionLostError && error.idempotencyKey === "mine");
      return error.cause instanceof RpcError && error.cause.code === code;
    });
    await link.expect("message.send");
    link.drop();
    const second = await server.admit(WELCOME);
    second.refuse(await second.expect("message.send"), code, "later", { retryAfterMs: 120_000 });
    await failed;
  });
}

test("a refusal for good is the last word", async (t) => {
  const { server, client, link } = await meet(t);
  const sending = assert.rejects(client.sendMessage("r", "hello"), { code: 4011 });
  await link.expect("message.send");
  link.drop();
  const second = await server.admit(WELCOME);
  second.refuse(await second.expect("message.send"), 4011, "no");
  await sending;
});

test("regression: closing ends the wait for another try, and leaves no timer behind", async (t) => {
  const timers = new ManualTimers();
  const { client, link } = await meet(t, { timers, ...DELAYS, random: () => 0.5 });
  const sending = assert.rejects(client.sendMessage("r", "hello"), { code: 4080 });
  link.refuse(await link.expect("message.send"), 4080, "later", { retryAfterMs: 4_321 });
  await timers.running(4_321);
  await client.close();
  await sending;
  assert.deepEqual(timers.delays, []);
});

test("the time allowed is measured on a clock that nobody sets", async (t) => {
  const { client, link } = await meet(t);
  t.mock.method(Date, "now", () => Number.MAX_SAFE_INTEGER);
  const sending = client.sendMessage("r", "hello");
  link.refuse(await link.expect("message.send"), 4080, "later", { retryAfterMs: 1 });
  t.mock.method(Date, "now", () => 0);
  link.refuse(await link.expect("message.send"), 4080, "later", { retryAfterMs: 1 });
  t.mock.method(Date, "now", () => Number.MAX_SAFE_INTEGER);
  link.answer(await link.expect("message.send"), RECEIPT);
  assert.deepEqual(await sending, RECEIPT);
});

const CHANGES: Record<string, (client: WardroomClient) => Promise<TaskReceipt>> = {
  "task.create": (client) => client.createTask("r", "Count"),
  "task.claim": (client) => client.claimTask("t"),
  "task.renew": (client) => client.renewTask("t", 1),
  "task.update": (client) => client.updateTask("t", { generation: 1, note: "on it" }),
  "task.complete": (client) => client.completeTask("t", 1, { content: "seven" }),
  "task.fail": (client) => client.failTask("t", 1, { content: "lost" }),
  "task.cancel": (client) => client.cancelTask("t"),
};

for (const [method, change] of Object.entries(CHANGES)) {
  test(`a lost answer to ${method} is asked for again`, async (t) => {
    const receipt: TaskReceipt = { taskId: "t", state: "accepted", generation: 1, revision: 2, timestamp: 1 };
    const { server, client, link } = await meet(t);
    const changing = change(client);
    const first = await link.expect(method);
    assert.match(String(first.params?.["idempotencyKey"]), /^[0-9a-f]{32}$/);
    link.drop();
    const second = await server.admit(WELCOME);
    const again = await second.expect(method);
    assert.deepEqual(again.params, first.params);
    second.answer(again, receipt);
    assert.deepEqual(await changing, receipt);
  });
}
