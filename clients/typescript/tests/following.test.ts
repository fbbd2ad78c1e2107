/** Following: nothing missed, nothing twice, and what cannot be had is said. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { type EventMap, type Position, RpcError } from "wardroom-client";
import { answerFollow, at, range, ROOM, say, take, WELCOME } from "./support/following.js";
import { SESSION } from "./support/scripted_server.js";
import { connected, DELAYS, KEY, stage } from "./support/setup.js";
import { Deferred, Inbox, within } from "./support/waiting.js";

test("iteration goes on across a lost connection", async (t) => {
  const { server, client, timers, link } = await connected(t);
  const items = client.room(ROOM, { since: at(2) });
  const taking = take(items, [3]);
  await answerFollow(link, at(2), 4);
  say(link, [3, 4]);
  await taking;
  assert.deepEqual(client.positions, { rooms: { [ROOM]: at(3) } });
  await take(items, [4]);
  link.drop();
  await timers.runOut(DELAYS.reconnectBaseMs / 2);
  const second = await server.accept();
  const request = await second.expect("auth");
  // What was received counts here, read or not.
  assert.deepEqual(request.params?.["resume"], { [ROOM]: at(4) });
  second.answer(request, { ...WELCOME, resumed: { [ROOM]: { epoch: "epoch-1", seq: 6 } } });
  say(second, [5, 6, 7]);
  await take(items, [5, 6, 7]);
  assert.deepEqual(items.position, at(7));
});

test("repeats are dropped and a gap is followed again", async (t) => {
  const { client, link } = await connected(t);
  const items = client.room(ROOM, { since: at(0) });
  const taking = take(items, [1]);
  await answerFollow(link, at(0), 1);
  say(link, [1, 1, 3]);
  await taking;
  await answerFollow(link, at(1), 3);
  say(link, [2, 3]);
  await take(items, [2, 3]);
});

test("what comes right behind the answer is not missed", async (t) => {
  const { client, link } = await connected(t);
  const beginning = client.room(ROOM).begin();
  const request = await link.expect("room.follow");
  const message = { messageId: "m", senderId: "a", senderName: "n", content: "x", timestamp: 1, seq: 9 };
  link.sendTogether(
    { jsonrpc: "2.0", id: request.id, result: { epoch: "epoch-1", seq: 8 } },
    { jsonrpc: "2.0", method: "message", params: { roomId: ROOM, message } },
  );
  await take(await beginning, [9]);
});

test("resets are items", async (t) => {
  const { client, link } = await connected(t);
  const items = client.room(ROOM, { since: at(3) });
  const first = items.next();
  await answerFollow(link, at(3), 20, { reason: "retention", oldest: at(16), resumesFrom: 16 });
  const reset = { reason: "retention", epoch: "epoch-1", missedFrom: 4, resumesFrom: 16, roomId: ROOM, oldest: at(16) };
  assert.deepEqual((await first).value, { kind: "reset", reset });
  say(link, [16]);
  await take(items, [16]);
  link.event("reset", { roomId: ROOM, epoch: "epoch-1", missedFrom: 17, resumesFrom: 30 });
  const { value } = await items.next();
  assert.ok(value?.kind === "reset");
  assert.deepEqual([value.reset.missedFrom, value.reset.resumesFrom], [17, 30]);
  say(link, [30]);
  await take(items, [30]);
});

test("another database is told on reconnecting, to handlers too", async (t) => {
  const { server, client, timers, link } = await connected(t);
  const resets = new Inbox<EventMap["reset"]>("a reset");
  const messages = new Inbox<EventMap["message"]>("a message");
  client.on("reset", resets.put).on("message", messages.put);
  const following = client.followRoom(ROOM, { since: at(5) });
  await answerFollow(link, at(5), 5);
  assert.equal((await following).seq, 5);
  link.drop();
  await timers.runOut(DELAYS.reconnectBaseMs / 2);
  const second = await server.accept();
  const request = await second.expect("auth");
  assert.deepEqual(request.params?.["resume"], { [ROOM]: at(5) });
  const reset = { reason: "epoch", oldest: at(1, "epoch-2"), resumesFrom: 3 };
  second.answer(request, { ...WELCOME, epoch: "epoch-2", resumed: { [ROOM]: { epoch: "epoch-2", seq: 2, reset } } });
  const { reason, epoch, missedFrom, resumesFrom } = await resets.take();
  assert.deepEqual([reason, epoch, missedFrom, resumesFrom], ["epoch", "epoch-2", 6, 3]);
  say(second, [3]);
  assert.equal((await messages.take()).message.seq, 3);
  assert.deepEqual(client.positions, { rooms: { [ROOM]: at(3, "epoch-2") } });
});

test("a slow consumer bounds memory and misses nothing", async (t) => {
  const { client, link } = await connected(t, { iterationBufferSize: 4 });
  const seen = new Inbox<unknown>("the event behind the messages");
  client.on("presence", seen.put);
  const items = client.room(ROOM, { since: at(0) });
  const first = take(items, [1]);
  await answerFollow(link, at(0), 0);
  say(link, [1]);
  await first;
  say(link, range(2, 11));
  link.event("presence", {});
  await seen.take();
  const taking = take(items, range(2, 11));
  // Four were kept; the rest is asked for once they were read.
  await answerFollow(link, at(5), 11);
  say(link, range(6, 11));
  await answerFollow(link, at(9), 11);
  say(link, [10, 11]);
  await taking;
});

test("slow handlers that follow miss nothing", async (t) => {
  // More than may wait for one handler.
  const last = 10_050;
  const { client, link, reports } = await connected(t);
  const released = new Deferred();
  const everything = new Deferred();
  const seen: number[] = [];
  client.on("message", async ({ message }) => {
    await released.promise;
    seen.push(message.seq!);
    if (message.seq === last) {
      everything.resolve();
    }
  });
  const following = client.followRoom(ROOM, { since: at(0) });
  await answerFollow(link, at(0), 0);
  await following;
  say(link, range(1, last));
  const barrier = client.getMotd();
  link.answer(await link.expect("lobby.getMotd"), { motd: null });
  await barrier;
  released.resolve();
  const request = await link.expect("room.follow");
  const { seq } = request.params?.["since"] as Position;
  assert.ok(seq >= 10_000 && seq < last);
  link.answer(request, { epoch: "epoch-1", seq: last });
  say(link, range(seq + 1, last));
  await within(everything.promise, "the last message");
  assert.deepEqual(seen, range(1, last));
  assert.deepEqual(reports, []);
});

test("positions are handed in and out", async (t) => {
  const positions = { rooms: { [ROOM]: at(7) }, direct: at(2) };
  const { server, client } = await stage(t, { positions });
  assert.deepEqual(client.positions, positions);
  const messages = new Inbox<EventMap["message"]>("a message");
  client.on("message", messages.put);
  const connecting = client.connect();
  const link = await server.accept();
  const request = await link.expect("auth");
  // Nobody handles `dm`, so that direct messages wait for somebody who reads them.
  assert.deepEqual(request.params, { apiKey: KEY, resume: { [ROOM]: at(7) } });
  link.answer(request, { ...WELCOME, resumed: { [ROOM]: { epoch: "epoch-1", seq: 8 } } });
  await connecting;
  say(link, [8]);
  await messages.take();
  const direct = client.direct().next();
  const asked = await link.expect("message.followDirect");
  assert.deepEqual(asked.params, { since: at(2) });
  link.answer(asked, { epoch: "epoch-1", seq: 3 });
  link.event("dm", { fromAgentId: "a", fromDisplayName: "A", content: "x", messageId: "m", timestamp: 1, seq: 3 });
  const { value } = await direct;
  assert.ok(value?.kind === "dm" && value.message.content === "x");
  assert.deepEqual(client.positions, { rooms: { [ROOM]: at(8) }, direct: at(3) });
});

test("an iteration does not show plain handlers the past or one's own words", async (t) => {
  const { client, link } = await connected(t);
  const messages = new Inbox<EventMap["message"]>("a message");
  client.on("message", messages.put);
  const items = client.room(ROOM, { since: at(0) });
  const taking = take(items, [1, 2, 3, 4]);
  await answerFollow(link, at(0), 2);
  say(link, [1, 2]);
  say(link, [3], SESSION.agentId);
  say(link, [4]);
  await taking;
  assert.equal((await messages.take()).message.seq, 4);
  assert.equal(messages.rest.length, 0);
});

test("removals are items", async (t) => {
  const { client, link } = await connected(t);
  const items = client.room(ROOM, { since: at(0) });
  const first = items.next();
  await answerFollow(link, at(0), 0);
  link.event("message.removed", { roomId: "other", messageId: "m0", removedBy: "b", reason: null });
  link.event("message.removed", { roomId: ROOM, messageId: "m1", removedBy: "b", reason: "a slip" });
  const removal = { kind: "removal", roomId: ROOM, messageId: "m1", removedBy: "b", reason: "a slip" };
  assert.deepEqual((await first).value, removal);
});

test("a room that is lost ends its iteration with the reason", async (t) => {
  const { client, link } = await connected(t);
  const first = assert.rejects(client.room(ROOM, { since: at(0) }).next(), (error) => error instanceof RpcError && error.code === 4011);
  await answerFollow(link, at(0), 0);
  link.event("kicked", { roomId: ROOM, reason: null });
  const request = await link.expect("room.follow");
  link.refuse(request, 4011, "not a member", { retryable: false });
  await first;
});

test("a room that cannot be resumed is told to handlers", async (t) => {
  const { server, client, timers, link } = await connected(t);
  const ended = new Inbox<EventMap["connection.unfollowed"]>("the end of following");
  client.on("connection.unfollowed", ended.put);
  const following = client.followRoom(ROOM, { since: at(5) });
  await answerFollow(link, at(5), 5);
  await following;
  link.drop();
  await timers.runOut(DELAYS.reconnectBaseMs / 2);
  await server.admit({ ...WELCOME, resumed: { [ROOM]: { error: { code: 4010, message: "gone", data: {} } } } });
  const { roomId, error } = await ended.take();
  assert.equal(roomId, ROOM);
  assert.ok(error instanceof RpcError && error.code === 4010);
});

test("leaving the loop leaves the position to the next one", async (t) => {
  const { client, link } = await connected(t);
  const looping = (async () => {
    for await (const item of client.room(ROOM, { since: at(0) })) {
      return item;
    }
    return null;
  })();
  await answerFollow(link, at(0), 0);
  say(link, [1, 2]);
  assert.equal((await looping)?.kind, "message");
  const again = take(client.room(ROOM), [2]);
  await answerFollow(link, at(1), 2);
  say(link, [2]);
  await again;
});

test("iteration ends with the client", async (t) => {
  const { client, link } = await connected(t);
  const items = client.room(ROOM, { since: at(0) });
  const first = items.next();
  await answerFollow(link, at(0), 0);
  await client.close();
  assert.deepEqual(await first, { done: true, value: undefined });
});

test("iterating needs a connection", async (t) => {
  const { client } = await stage(t);
  await assert.rejects(client.room(ROOM).next(), /not connected/);
});
