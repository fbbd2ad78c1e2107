import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type EventMap, NotConnectedError, type WardroomClient } from "wardroom-client";
import { backoffMs } from "#lib/backoff.js";
import { connected, DELAYS, KEY, STABLE_AFTER_MS } from "./support/setup.js";
import { Inbox } from "./support/waiting.js";

function watch<Name extends keyof EventMap>(client: WardroomClient, name: Name): Inbox<EventMap[Name]> {
  const inbox = new Inbox<EventMap[Name]>(`the event ${name}`);
  client.on(name, inbox.put);
  return inbox;
}

describe("the wait before reconnecting", () => {
  const bounds = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000];

  test("lies anywhere below a bound that doubles up to the maximum", () => {
    for (const [attempt, bound] of bounds.entries()) {
      assert.equal(backoffMs(attempt, 500, 30_000, () => 0), 0);
      assert.equal(backoffMs(attempt, 500, 30_000, () => 0.5), bound / 2);
      assert.equal(backoffMs(attempt, 500, 30_000, () => 1 - Number.EPSILON), bound - 1);
    }
  });

  test("stays bounded after ever so many tries", () => {
    assert.equal(backoffMs(1e9, 500, 30_000, () => 0.5), 15_000);
  });
});

test("a dropped connection comes back: authenticated, with the same handlers", async (t) => {
  const { server, client, timers, link } = await connected(t, { displayName: "Bea" });
  const lost = watch(client, "connection.lost");
  const opened = watch(client, "connection.opened");
  const messages = watch(client, "message");
  link.close(1012, "restarting");
  assert.deepEqual(await lost.take(), { code: 1012, reason: "restarting", retryInMs: 500 });
  assert.equal(client.isConnected, false);
  assert.equal(client.displayName, "alice");
  assert.deepEqual(timers.delays, [500], "something of the old connection still runs");

  await timers.runOut(500);
  const again = await server.accept();
  const request = await again.expect("auth");
  assert.deepEqual(request.params, { apiKey: KEY, displayName: "Bea" });
  again.answer(request, {
    status: "ok",
    agentId: "a",
    role: "participant",
    displayName: "Bea",
    lobby: { roomId: "other", name: "Lobby" },
    motd: "back",
  });
  assert.equal((await opened.take()).reconnected, true);
  assert.equal(client.lobbyId, "other");
  assert.equal(client.motd, "back");
  again.event("message", { roomId: "r1", message: { content: "hello" } });
  assert.equal((await messages.take()).message.content, "hello");
});

test("an agent with too many sessions waits longest, and handlers are told", async (t) => {
  const { server, client, timers, link } = await connected(t);
  const lost = watch(client, "connection.lost");
  const reason = "replaced by a newer session";
  link.close(1008, reason);
  assert.deepEqual(await lost.take(), { code: 1008, reason, retryInMs: DELAYS.reconnectMaxMs / 2, replaced: true });
  await timers.runOut(DELAYS.reconnectMaxMs / 2);
  const second = await server.admit();
  await client.connect();
  await timers.runOut(STABLE_AFTER_MS);
  second.close(1012, "restarting");
  assert.deepEqual(await lost.take(), { code: 1012, reason: "restarting", retryInMs: DELAYS.reconnectBaseMs / 2 });
});

test("waits grow while the server stays away, and start over once a connection has lasted", async (t) => {
  const { server, client, timers, link } = await connected(t);
  const lost = watch(client, "connection.lost");
  const opened = watch(client, "connection.opened");
  link.drop();
  for (const retryInMs of [500, 1_000, 2_000, 4_000, 4_000]) {
    assert.equal((await lost.take()).retryInMs, retryInMs);
    await timers.runOut(retryInMs);
    (await server.accept()).drop();
  }
  assert.equal((await lost.take()).retryInMs, 4_000);
  await timers.runOut(4_000);

  // A connection that is lost at once has not shown that the server is well.
  const brief = await server.admit();
  await opened.take();
  brief.drop();
  assert.equal((await lost.take()).retryInMs, 4_000);
  await timers.runOut(4_000);

  const lasting = await server.admit();
  await opened.take();
  await timers.runOut(STABLE_AFTER_MS);
  lasting.drop();
  assert.equal((await lost.take()).retryInMs, 500);
});

test("`connect` waits for the connection that is coming back", async (t) => {
  const { server, client, timers, link } = await connected(t);
  const lost = watch(client, "connection.lost");
  link.drop();
  await lost.take();
  const waiting = client.connect();
  await timers.runOut(500);
  await server.admit();
  assert.equal((await waiting).status, "ok");
});

for (const code of [4002, 4004]) {
  test(`authenticating again is given up after ${code}`, async (t) => {
    const { server, client, timers, link } = await connected(t);
    const lost = watch(client, "connection.lost");
    const ended = watch(client, "connection.ended");
    link.drop();
    await lost.take();
    const call = assert.rejects(client.listRooms(), NotConnectedError);
    const waiting = assert.rejects(client.connect(), { name: "RpcError", code });
    await timers.runOut(500);
    const again = await server.accept();
    again.refuse(await again.expect("auth"), code, "no");
    assert.deepEqual(await ended.take(), { code, reason: "no" });
    await Promise.all([call, waiting]);
    await again.closed();
    await client.close();
    assert.deepEqual(timers.delays, []);
    assert.equal(server.unaccepted, 0);
  });
}

for (const [code, reason] of [
  [4002, ""],
  [4004, ""],
  [1008, "banned"],
  [1008, "revoked"],
  [1008, "Banned: spam"],
  [1008, "agent banned"],
] as const) {
  test(`nothing is tried again after close code ${code} with the reason "${reason}"`, async (t) => {
    const { server, client, timers, link } = await connected(t);
    const ended = watch(client, "connection.ended");
    link.close(code, reason);
    assert.deepEqual(await ended.take(), { code, reason });
    assert.deepEqual(timers.delays, []);
    assert.equal(server.unaccepted, 0);
    await assert.rejects(client.listRooms(), NotConnectedError);
  });
}

test("the reason of the `disconnected` event counts when the close has none", async (t) => {
  const { client, link } = await connected(t);
  const ended = watch(client, "connection.ended");
  link.event("disconnected", { reason: "revoked" });
  link.close(1008);
  assert.deepEqual(await ended.take(), { code: 1008, reason: "revoked" });
});

for (const [code, reason] of [
  [1000, ""],
  [1000, "banned"],
  [1001, "stopping"],
  [1008, "kicked"],
  [1008, "kicked: nobody is banned here"],
  [1009, "too big"],
  [1013, "slow consumer"],
] as const) {
  test(`the client comes back after close code ${code} with the reason "${reason}"`, async (t) => {
    const { server, client, timers, link } = await connected(t);
    const opened = watch(client, "connection.opened");
    link.close(code, reason);
    await timers.runOut(500);
    await server.admit();
    assert.equal((await opened.take()).reconnected, true);
  });
}

test("a locked server is asked again", async (t) => {
  const { server, client, timers, link } = await connected(t);
  const lost = watch(client, "connection.lost");
  link.drop();
  await timers.runOut(500);
  const again = await server.accept();
  again.refuse(await again.expect("auth"), 4003, "the server is locked");
  await lost.take();
  assert.deepEqual(await lost.take(), { code: 1006, reason: "the server is locked", retryInMs: 1_000 });
  await timers.runOut(1_000);
  await server.admit();
  await client.connect();
});

test("a server that asks to be left alone is left alone for so long", async (t) => {
  const { server, client, timers, link } = await connected(t);
  const lost = watch(client, "connection.lost");
  link.drop();
  await timers.runOut(500);
  const again = await server.accept();
  again.refuse(await again.expect("auth"), 4080, "too many failures", { retryable: true, retryAfterMs: 60_000 });
  await lost.take();
  assert.equal((await lost.take()).retryInMs, 60_000);
  assert.ok(timers.delays.includes(60_000));
});

test("a server that asks to be left alone for longer than five minutes is not believed", async (t) => {
  const { server, client, timers, link } = await connected(t);
  const lost = watch(client, "connection.lost");
  link.drop();
  await timers.runOut(500);
  const again = await server.accept();
  again.refuse(await again.expect("auth"), 4080, "too many failures", { retryable: true, retryAfterMs: 300_001 });
  await lost.take();
  assert.equal((await lost.take()).retryInMs, 300_000);
});

test("closing while the connection is away ends the tries", async (t) => {
  const { server, client, timers, link } = await connected(t);
  const lost = watch(client, "connection.lost");
  link.drop();
  await lost.take();
  const waiting = assert.rejects(client.connect(), /the client was closed/);
  const call = assert.rejects(client.listRooms(), NotConnectedError);
  await client.close();
  await Promise.all([waiting, call]);
  assert.deepEqual(timers.delays, []);
  assert.equal(server.unaccepted, 0);
});

describe("a link that has gone silent", () => {
  test("is given up and replaced when no sign of life comes", async (t) => {
    const { server, client, timers, link } = await connected(t);
    const lost = watch(client, "connection.lost");
    await timers.runOut(DELAYS.heartbeatMs);
    assert.deepEqual(timers.delays.filter((delay) => delay === DELAYS.heartbeatMs).length, 1);
    await timers.runOut(DELAYS.heartbeatMs);
    await link.expect("docs.list");
    await timers.runOut(DELAYS.heartbeatMs);
    assert.deepEqual(await lost.take(), { code: 1006, reason: "no sign of life for 60004 ms", retryInMs: 500 });
    await timers.runOut(500);
    await server.admit();
    await client.connect();
  });

  test("is kept when an answer comes, an error included", async (t) => {
    const { client, timers, link } = await connected(t);
    await timers.runOut(DELAYS.heartbeatMs);
    for (let beat = 0; beat < 3; beat++) {
      await timers.runOut(DELAYS.heartbeatMs);
      link.refuse(await link.expect("docs.list"), 4080, "limited");
      const call = client.getMotd();
      link.answer(await link.expect("lobby.getMotd"), { motd: null });
      await call;
      await timers.runOut(DELAYS.heartbeatMs);
    }
    assert.equal(client.isConnected, true);
  });
});
