import assert from "node:assert/strict";
import { test } from "node:test";
import type { WardroomClient } from "wardroom-client";
import { type ServerLink, SESSION } from "./support/scripted_server.js";
import { connected, stage } from "./support/setup.js";
import { Deferred, within } from "./support/waiting.js";

/** Waits until the client has taken in everything that the server has sent so far. */
async function settled(client: WardroomClient, link: ServerLink): Promise<void> {
  const call = client.getMotd();
  link.answer(await link.expect("lobby.getMotd"), { motd: null });
  await call;
}

function left(link: ServerLink, ...rooms: string[]): void {
  for (const roomId of rooms) {
    link.event("room.left", { roomId, agentId: "a" });
  }
}

test("a slow handler gets its events one at a time and in order", async (t) => {
  const { client, link } = await connected(t);
  const seen: string[] = [];
  const gates = [new Deferred(), new Deferred(), new Deferred()];
  const started = [new Deferred(), new Deferred(), new Deferred()];
  let calls = 0;
  client.on("room.left", async ({ roomId }) => {
    const call = calls++;
    seen.push(`begin ${roomId}`);
    started[call]?.resolve();
    await gates[call]?.promise;
    seen.push(`end ${roomId}`);
  });
  left(link, "1", "2", "3");
  await settled(client, link);
  assert.deepEqual(seen, ["begin 1"]);
  for (const [index, gate] of gates.entries()) {
    await within(started[index]!.promise, "the handler");
    gate.resolve();
  }
  await settled(client, link);
  assert.deepEqual(seen, ["begin 1", "end 1", "begin 2", "end 2", "begin 3", "end 3"]);
});

test("events of different kinds reach handlers in their order", async (t) => {
  const { client, link } = await connected(t);
  const seen: string[] = [];
  client.on("room.joined", ({ roomId }) => seen.push(`joined ${roomId}`));
  client.on("room.left", ({ roomId }) => seen.push(`left ${roomId}`));
  for (const roomId of ["1", "2", "3"]) {
    link.event("room.joined", { roomId, agentId: "a", displayName: "a" });
    link.event("room.left", { roomId, agentId: "a" });
  }
  await settled(client, link);
  assert.deepEqual(seen, ["joined 1", "left 1", "joined 2", "left 2", "joined 3", "left 3"]);
});

test("a handler may call the server and wait for what another handler sees", async (t) => {
  const { client, link } = await connected(t);
  const said = new Deferred<string>();
  const done = new Deferred<string>();
  client.on("message", ({ message }) => said.resolve(message.content));
  client.on("room.invited", async ({ roomId }) => {
    await client.joinRoom(roomId);
    done.resolve(await said.promise);
  });
  link.event("room.invited", { roomId: "r1", name: "Ops", byAgentId: "b", byDisplayName: "bob" });
  link.answer(await link.expect("room.join"), { status: "ok" });
  link.event("message", { roomId: "r1", message: { content: "welcome" } });
  assert.equal(await within(done.promise, "the handler"), "welcome");
});

test("a failing handler is reported and called again, and the others do not notice", async (t) => {
  const { client, link, reports } = await connected(t);
  const seen: string[] = [];
  client.on("room.left", () => {
    throw new Error("at once");
  });
  client.on("room.left", async () => {
    await Promise.reject(new Error("later"));
  });
  client.on("room.left", ({ roomId }) => seen.push(roomId));
  left(link, "1", "2");
  await settled(client, link);
  assert.deepEqual(seen, ["1", "2"]);
  assert.deepEqual(
    reports.map(({ error, event }) => `${event} ${(error as Error).message}`).sort(),
    ["room.left at once", "room.left at once", "room.left later", "room.left later"],
  );
  assert.equal(client.isConnected, true);
});

test("without `onError` a failing handler goes to the console", async (t) => {
  const logged = t.mock.method(console, "error", () => {});
  const { client, link } = await connected(t, { onError: undefined });
  const failure = new Error("handler failed");
  client.on("room.left", () => {
    throw failure;
  });
  left(link, "1");
  await settled(client, link);
  assert.deepEqual(logged.mock.calls.map((call) => call.arguments), [
    ["wardroom client: error in a handler of `room.left`:", failure],
  ]);
});

test("an `onError` that fails ends nothing", async (t) => {
  const logged = t.mock.method(console, "error", () => {});
  const { client, link } = await connected(t, {
    onError: () => {
      throw new Error("hook failed");
    },
  });
  client.on("room.left", () => {
    throw new Error("handler failed");
  });
  left(link, "1");
  await settled(client, link);
  assert.equal(logged.mock.callCount(), 2);
  assert.equal(client.isConnected, true);
});

test("a removed handler is not called, not even for what already waits", async (t) => {
  const { client, link } = await connected(t);
  const seen: string[] = [];
  const gate = new Deferred();
  const handler = async ({ roomId }: { roomId: string }): Promise<void> => {
    seen.push(roomId);
    await gate.promise;
  };
  assert.equal(client.on("room.left", handler), client);
  client.on("room.left", handler);
  left(link, "1", "2");
  await settled(client, link);
  assert.equal(client.off("room.left", handler), client);
  gate.resolve();
  left(link, "3");
  await settled(client, link);
  assert.deepEqual(seen, ["1"]);
});

test("a handler that another one removes is not called for the same event", async (t) => {
  const { client, link } = await connected(t);
  const seen: string[] = [];
  const second = (): void => void seen.push("second");
  client.on("room.left", () => {
    seen.push("first");
    client.off("room.left", second);
  });
  client.on("room.left", second);
  left(link, "1");
  await settled(client, link);
  assert.deepEqual(seen, ["first"]);
});

test("events that come together with the answer to `auth` find the session in place", async (t) => {
  const { server, client } = await stage(t);
  const seen: unknown[] = [];
  client.on("presence", ({ agentId }) => seen.push([agentId, client.agentId, client.isConnected]));
  const opening = client.connect();
  const link = await server.accept();
  const request = await link.expect("auth");
  link.sendTogether(
    { jsonrpc: "2.0", id: request.id, result: SESSION },
    { jsonrpc: "2.0", method: "presence", params: { agentId: "b", displayName: "bob", online: true } },
    { jsonrpc: "2.0", method: "presence", params: { agentId: "c", displayName: "carol", online: true } },
  );
  await opening;
  await settled(client, link);
  assert.deepEqual(seen, [
    ["b", SESSION.agentId, true],
    ["c", SESSION.agentId, true],
  ]);
});

test("a handler that falls too far behind loses the newest events, and that is reported once", async (t) => {
  const { client, link, reports } = await connected(t);
  const gate = new Deferred();
  const all = new Deferred();
  let count = 0;
  client.on("room.left", async () => {
    count += 1;
    if (count === 10_001) {
      all.resolve();
    }
    await gate.promise;
  });
  left(link, ...Array.from({ length: 10_005 }, (_, index) => String(index)));
  await settled(client, link);
  assert.equal(reports.length, 1);
  assert.match(String(reports[0]?.error), /10000 events wait for it/);
  gate.resolve();
  await within(all.promise, "the events that were kept");
  await settled(client, link);
  assert.equal(count, 10_001);
});

test("a server cannot pretend the client's own events", async (t) => {
  const { client, link } = await connected(t);
  let ended = false;
  client.on("connection.ended", () => {
    ended = true;
  });
  link.event("connection.ended", { code: 1000, reason: "" });
  link.event("unheard.of", { anything: true });
  await settled(client, link);
  assert.equal(ended, false);
});

test("no handler is called after `close`", async (t) => {
  const { client, link } = await connected(t);
  const seen: string[] = [];
  const gate = new Deferred();
  client.on("room.left", async ({ roomId }) => {
    seen.push(roomId);
    await gate.promise;
  });
  left(link, "1", "2");
  await settled(client, link);
  await client.close();
  gate.resolve();
  await new Promise(setImmediate);
  assert.deepEqual(seen, ["1"]);
});
