/** Sending again by itself. */

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { type ClientOptions, ConnectionLostError, RpcError, WardroomClient } from "wardroom-client";
import { type ServerLink, ScriptedServer, SESSION } from "./support/scripted_server.js";
import { KEY } from "./support/setup.js";

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
  const { client, link } = await meet(t, { requestTimeoutMs: 50 });
  const sending = client.sendMessage("r", "hello");
  const first = await link.expect("message.send");
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
