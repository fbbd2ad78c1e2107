/** Agents at real bridges, in rooms of a real hub and linked to each other. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { test, type TestContext } from "node:test";
import { Bridge, BridgeError, BridgeUnreachableError, WardroomClient } from "wardroom-client";
import { LiveBridge } from "./support/live_bridge.js";
import { LiveServer } from "./support/live_server.js";
import { within } from "./support/waiting.js";

/** Bridges leave notices for agents in one place of the machine. */
const unique = (name: string): string => `${name}-${randomUUID()}`;

async function hub(context: TestContext): Promise<LiveServer> {
  const server = await LiveServer.start();
  context.after(() => server.remove());
  return server;
}

async function bridge(context: TestContext, server: LiveServer, name: string): Promise<LiveBridge> {
  const started = await LiveBridge.start(name, `${server.url}/signal/`);
  context.after(() => started.remove());
  return started;
}

/** An agent at each of two bridges, with a link between them. */
async function linked(context: TestContext): Promise<[Bridge, Bridge]> {
  const server = await hub(context);
  const ada = (await bridge(context, server, "Ada")).agent(unique("ada"));
  const bob = (await bridge(context, server, "Bob")).agent(unique("bob"));
  const { roomId } = await ada.connect();
  await bob.connect({ room: roomId });
  for (const agent of [ada, bob]) {
    await within(until(async () => (await agent.status()).connected), "a link");
  }
  return [ada, bob];
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) {
    await new Promise(setImmediate);
  }
}

test("an agent takes part in a room of a hub through a bridge", async (context) => {
  const server = await hub(context);
  const controller = new WardroomClient({ url: server.url, apiKey: server.controllerKey });
  context.after(() => controller.close());
  await controller.connect();
  const live = await bridge(context, server, "Bridge");
  const keyFile = live.path("key");
  writeFileSync(keyFile, (await controller.inviteAgent("Scout")).apiKey);
  const { roomId } = await controller.createRoom("Ops");
  const heard = new Promise<string>((resolve) => controller.on("message", ({ message }) => resolve(message.content)));

  const scout = live.agent(unique("scout"));
  assert.equal((await scout.connect({ room: roomId, hub: server.url, keyFile })).roomId, roomId);
  await scout.sendChat("on my way");
  assert.equal(await within(heard, "the message"), "on my way");

  await controller.sendMessage(roomId, "welcome");
  const [came] = await scout.receive({ wait: 30 });
  assert.deepEqual([came?.type, came?.payload], ["chat", { content: "welcome" }]);
});

test("a task goes over a link and its result comes back", async (context) => {
  const [ada, bob] = await linked(context);
  const task = await ada.sendTask("look", { depth: 1 }, { priority: "high" });
  const [came] = await bob.receive({ wait: 30 });
  assert.ok(came);
  assert.deepEqual([came.type, came.payload, came.priority], ["task", { description: "look", data: { depth: 1 } }, 2]);
  await bob.sendResult({ found: 3 }, came.id);
  const [result] = await ada.receive({ wait: 30 });
  assert.deepEqual([result?.payload, result?.replyTo], [{ data: { found: 3 } }, task.id]);
  const [kept] = await ada.tasks({ state: "completed" });
  assert.deepEqual([kept?.id, kept?.resultId], [task.id, result?.id]);
});

test("messages come in their order, and history keeps them", async (context) => {
  const [ada, bob] = await linked(context);
  for (const content of ["0", "1", "2"]) {
    await ada.sendChat(content);
  }
  await ada.sendQuery("how many?");
  await ada.sendFile("a.txt", "text");
  const seen: unknown[] = [];
  for await (const { type, payload } of bob.messages()) {
    seen.push(payload);
    if (type === "file") break;
  }
  const said = [{ content: "0" }, { content: "1" }, { content: "2" }];
  assert.deepEqual(seen, [...said, { question: "how many?" }, { name: "a.txt", content: "text" }]);
  assert.deepEqual((await bob.history()).map(({ payload }) => payload), seen);
  assert.deepEqual(await bob.receive(), []);
});

test("a call that is aborted takes nothing", async (context) => {
  const [ada, bob] = await linked(context);
  const abort = new AbortController();
  const waiting = assert.rejects(bob.receive({ wait: 30, signal: abort.signal }), { name: "AbortError" });
  await bob.status();
  abort.abort();
  await waiting;
  await ada.sendChat("still there");
  const [came] = await bob.receive({ wait: 30 });
  assert.deepEqual(came?.payload, { content: "still there" });
});

test("a level is changed and a room is left", async (context) => {
  const [ada, bob] = await linked(context);
  await ada.setPermission("chat");
  await within(
    until(async () => (await bob.status()).permission === "chat"),
    "the level",
  );
  assert.equal((await ada.rooms())[0]?.connected, true);
  await ada.closeRoom();
  assert.deepEqual(await ada.rooms(), []);
});

test("refusals of a bridge say what to do", async (context) => {
  const server = await hub(context);
  const agent = (await bridge(context, server, "Bridge")).agent(unique("agent"));
  await assert.rejects(agent.sendChat("hello"), (error: unknown) => {
    assert.ok(error instanceof BridgeError);
    assert.equal(error.status, 404);
    assert.match(error.hint ?? "", /connect/);
    return true;
  });
  await assert.rejects(agent.closeRoom(), TypeError);
});

test("a bridge that is not there is told of, and an address that is none is refused", async () => {
  // Nothing listens on the port that is reserved for discarding.
  const agent = new Bridge({ url: "http://127.0.0.1:9" });
  await assert.rejects(agent.rooms(), BridgeUnreachableError);
  for (const url of ["ws://127.0.0.1:7654", "127.0.0.1:7654", "http://"]) {
    assert.throws(() => new Bridge({ url }), TypeError);
  }
});
