/** Following when the ground changes: another database, a lost room, a client that connects anew, answers without a place. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { type EventMap, NotConnectedError, ProtocolError, RpcError, type WardroomClient } from "wardroom-client";
import { answerFollow, at, range, ROOM, say, take, WELCOME } from "./support/following.js";
import type { ServerLink } from "./support/scripted_server.js";
import { connected, DELAYS, KEY, stage } from "./support/setup.js";
import { Inbox } from "./support/waiting.js";

/** Iterates over the room from its beginning up to its last position, and ends that. */
async function readAndLeave(client: WardroomClient, link: ServerLink, last: number): Promise<void> {
  const items = client.room(ROOM, { since: at(0) });
  const beginning = items.begin();
  await answerFollow(link, at(0), last);
  await beginning;
  say(link, range(1, last));
  await take(items, range(1, last));
  await items.return();
}

function messagesOf(client: WardroomClient): Inbox<EventMap["message"]> {
  const messages = new Inbox<EventMap["message"]>("a message");
  client.on("message", messages.put);
  return messages;
}

test("regression: plain handlers are shown what is said in a restored database", async (t) => {
  const { server, client, timers, link } = await connected(t);
  const messages = messagesOf(client);
  await readAndLeave(client, link, 4);
  link.drop();
  await timers.runOut(DELAYS.reconnectBaseMs / 2);
  const second = await server.admit({ ...WELCOME, epoch: "epoch-2" });
  say(second, [2]);
  assert.equal((await messages.take()).message.seq, 2);
});

test("regression: a new epoch in an answer counts for plain handlers too", async (t) => {
  const { server, client, timers, link } = await connected(t);
  const messages = messagesOf(client);
  const items = client.room(ROOM, { since: at(40) });
  const taking = take(items, [41]);
  await answerFollow(link, at(40), 41);
  say(link, [41]);
  await taking;
  link.drop();
  await timers.runOut(DELAYS.reconnectBaseMs / 2);
  const reset = { reason: "epoch", oldest: at(1, "epoch-2"), resumesFrom: 3 } as const;
  const resumed = { [ROOM]: { epoch: "epoch-2", seq: 2, reset } };
  const second = await server.admit({ ...WELCOME, epoch: "epoch-2", resumed });
  say(second, [2, 3]);
  assert.equal((await messages.take()).message.seq, 3);
  assert.equal(messages.rest.length, 0);
});

test("what a restored database holds can be read from its oldest position", async (t) => {
  const { client, link } = await connected(t);
  const items = client.room(ROOM, { since: at(100) });
  const first = items.next();
  const reset = { reason: "epoch", oldest: at(1, "epoch-2"), resumesFrom: 4001 };
  link.answer(await link.expect("room.follow"), { epoch: "epoch-2", seq: 4000, reset });
  const { value } = await first;
  assert.ok(value?.kind === "reset" && value.reset.oldest !== undefined);
  await items.return();
  const { epoch, seq } = value.reset.oldest;
  const taking = take(client.room(ROOM, { since: { epoch, seq: seq - 1 } }), [1]);
  const request = await link.expect("room.follow");
  assert.deepEqual(request.params?.["since"], at(0, "epoch-2"));
  link.answer(request, { epoch: "epoch-2", seq: 4000 });
  say(link, [1]);
  await taking;
});

test("regression: a second connect does not show handlers what iterations read", async (t) => {
  const { server, client, link } = await connected(t);
  const messages = messagesOf(client);
  await readAndLeave(client, link, 4);
  await client.close();
  const connecting = client.connect();
  const second = await server.accept();
  const request = await second.expect("auth");
  assert.deepEqual(request.params, { apiKey: KEY });
  second.answer(request, WELCOME);
  await connecting;
  say(second, [5]);
  assert.equal((await messages.take()).message.seq, 5);
  assert.deepEqual(client.positions, { rooms: { [ROOM]: at(4) } });
});

test("regression: a room that is gone is no longer among the positions", async (t) => {
  const { client, link } = await connected(t);
  const first = assert.rejects(client.room(ROOM, { since: at(0) }).next(), RpcError);
  await answerFollow(link, at(0), 0);
  link.event("room.deleted", { roomId: ROOM });
  link.refuse(await link.expect("room.follow"), 4010, "gone", { retryable: false });
  await first;
  assert.deepEqual(client.positions, { rooms: {} });
});

test("regression: deleted rooms that nobody reads leave nothing behind", async (t) => {
  const { server, client } = await stage(t, { positions: { rooms: { [ROOM]: at(7) } } });
  const deleted = new Inbox<EventMap["room.deleted"]>("the end of a room");
  client.on("room.deleted", deleted.put);
  const [link] = await Promise.all([server.admit(WELCOME), client.connect()]);
  link.event("room.deleted", { roomId: ROOM });
  await deleted.take();
  assert.deepEqual(client.positions, { rooms: {} });
});

for (const answer of [{}, { epoch: "epoch-1" }, { epoch: 1, seq: 1 }, null]) {
  test(`regression: the answer ${JSON.stringify(answer)} ends what is followed`, async (t) => {
    const { client, link } = await connected(t);
    const first = assert.rejects(client.room(ROOM, { since: at(3) }).next(), ProtocolError);
    link.answer(await link.expect("room.follow"), answer);
    await first;
    // The next request is this one, so that the other was not made again.
    const following = assert.rejects(client.followDirect(), ProtocolError);
    link.answer(await link.expect("message.followDirect"), answer);
    await following;
    const calling = client.call("probe");
    link.answer(await link.expect("probe"), null);
    await calling;
  });
}

test("regression: a number needs an epoch, which is not known before the first connection", async (t) => {
  const { server, client } = await stage(t);
  const connecting = client.connect();
  await assert.rejects(client.room(ROOM, { since: 0 }).next(), NotConnectedError);
  const link = await server.admit(WELCOME);
  await connecting;
  const taking = take(client.room(ROOM, { since: 0 }), [1]);
  await answerFollow(link, at(0), 1);
  say(link, [1]);
  await taking;
});

test("more rooms than `auth` can name are all followed", async (t) => {
  const rooms = range(0, 449).map((number) => `018f6d2a-7c1b-7e42-9d0c-${number.toString(16).padStart(12, "0")}`);
  const since = { epoch: "0198c0de-0000-7000-8000-000000000000", seq: 1_000_000_000 };
  const positions = { rooms: Object.fromEntries(rooms.map((roomId) => [roomId, since])) };
  const { server, client } = await stage(t, { positions });
  messagesOf(client);
  const connecting = client.connect();
  const link = await server.accept();
  const request = await link.expect("auth");
  assert.ok(JSON.stringify(request).length < 64 * 1024);
  const resumed = Object.keys(request.params?.["resume"] as object);
  assert.equal(resumed.length, 400);
  link.answer(request, { ...WELCOME, epoch: since.epoch, resumed: Object.fromEntries(resumed.map((roomId) => [roomId, since])) });
  const followed = new Set(resumed);
  while (followed.size < rooms.length) {
    const { params, id, ...rest } = await link.expect("room.follow");
    assert.deepEqual(params?.["since"], since);
    followed.add(String(params?.["roomId"]));
    link.answer({ ...rest, id }, since);
  }
  assert.deepEqual([...followed].sort(), rooms);
  await connecting;
});
