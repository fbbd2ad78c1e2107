/** Search, receipts and pauses with the real server. */

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ErrorCode, type EventMap, type SearchOptions, type SearchPage, WardroomClient } from "wardroom-client";
import { LiveServer } from "./support/live_server.js";
import { Inbox } from "./support/waiting.js";

interface Cast {
  readonly controller: WardroomClient;
  readonly alice: WardroomClient;
  readonly bob: WardroomClient;
}

/** A server with a controller and two participants. */
async function cast(t: TestContext): Promise<Cast> {
  const server = await LiveServer.start();
  t.after(() => server.remove());
  const enter = async (apiKey: string): Promise<WardroomClient> => {
    const client = new WardroomClient({ url: server.url, apiKey });
    t.after(() => client.close());
    await client.connect();
    return client;
  };
  const controller = await enter(server.controllerKey);
  const [alice, bob] = [await controller.inviteAgent("alice"), await controller.inviteAgent("bob")];
  return { controller, alice: await enter(alice.apiKey), bob: await enter(bob.apiKey) };
}

function listen<Name extends keyof EventMap>(client: WardroomClient, name: Name): Inbox<EventMap[Name]> {
  const inbox = new Inbox<EventMap[Name]>(`the event ${name}`);
  client.on(name, inbox.put);
  return inbox;
}

/** Searches until everything that was said was looked at. */
async function search(client: WardroomClient, query: string, options: SearchOptions = {}): Promise<SearchPage> {
  let page = await client.searchMessages(query, options);
  while (page.incomplete) {
    page = await client.searchMessages(query, options);
  }
  return page;
}

function contents({ found }: SearchPage): string[] {
  return found.map(({ message }) => message.content);
}

async function unread(client: WardroomClient, roomId: string): Promise<number | undefined> {
  return (await client.listRooms()).find((room) => room.roomId === roomId)?.unread;
}

test("words and phrases are found wherever one may read", async (t) => {
  const { controller, alice, bob } = await cast(t);
  const { roomId } = await alice.createRoom("Ops", { visibility: "private" });
  for (const content of ["the quick brown fox", "the brown quick fox", "nothing of that kind"]) {
    await alice.sendMessage(roomId, content);
  }
  await alice.sendDm(bob.agentId!, "a quick word");

  const page = await search(alice, 'fox "quick brown"');
  assert.deepEqual([contents(page), page.found[0]?.roomId], [["the quick brown fox"], roomId]);
  const options = { roomId, senderId: alice.agentId!, limit: 1 };
  const first = await search(alice, "quick", options);
  assert.deepEqual(contents(first), ["the brown quick fox"]);
  assert.deepEqual(contents(await search(alice, "quick", { ...options, cursor: first.nextCursor })), ["the quick brown fox"]);
  // Bob is not in the room, and the controller has no part in what is said between two.
  assert.deepEqual(contents(await search(bob, "quick")), ["a quick word"]);
  assert.ok(!contents(await search(controller, "quick")).includes("a quick word"));
  await assert.rejects(alice.searchMessages('"no end'), { code: ErrorCode.invalidParams });
});

test("who has read what, and what is unread, is told", async (t) => {
  const { alice, bob } = await cast(t);
  const read = listen(alice, "message.read");
  const [heard, heardDirect] = [listen(bob, "message"), listen(bob, "dm")];
  const { roomId } = await alice.createRoom("Ops");
  await bob.joinRoom(roomId);
  const sent = await alice.sendMessage(roomId, "one", { wantRead: true });
  await alice.sendMessage(roomId, "two");
  await heard.take();
  await heard.take();
  assert.equal(await unread(bob, roomId), 2);

  assert.deepEqual(await bob.markRead(roomId, sent.seq), { seq: 1, unread: 1 });
  const told = await read.take();
  assert.deepEqual([told.messageId, told.roomId, told.agentId], [sent.messageId, roomId, bob.agentId]);
  const status = (await alice.messageStatus(sent.messageId)).find(({ agentId }) => agentId === bob.agentId);
  assert.deepEqual([status?.state, status?.readAt], ["read", told.readAt]);
  // A mark never goes back.
  assert.deepEqual(await bob.markRead(roomId, 0), { seq: 1, unread: 1 });
  assert.equal(await unread(bob, roomId), 1);

  const direct = await alice.sendDm(bob.agentId!, "psst", { wantRead: true });
  assert.equal((await bob.markReadDirect((await heardDirect.take()).seq!)).unread, 0);
  assert.equal((await read.take()).messageId, direct.messageId);
  assert.deepEqual((await alice.messageStatus(direct.messageId)).map(({ state }) => state), ["read"]);
});

test("nobody speaks in a paused room", async (t) => {
  const { alice, bob } = await cast(t);
  const [paused, resumed] = [listen(bob, "room.paused"), listen(bob, "room.resumed")];
  const { roomId } = await alice.createRoom("Ops");
  await bob.joinRoom(roomId);
  await alice.pauseRoom(roomId, "lunch");
  const told = await paused.take();
  assert.deepEqual([told.roomId, told.reason, told.pausedBy], [roomId, "lunch", alice.agentId]);
  await assert.rejects(bob.sendMessage(roomId, "hello"), { code: ErrorCode.roomPaused });
  await assert.rejects(bob.createTask(roomId, "Cook"), { code: ErrorCode.roomPaused });
  assert.equal((await bob.roomInfo(roomId)).room.paused?.reason, "lunch");
  await assert.rejects(bob.resumeRoom(roomId), { code: ErrorCode.forbidden });
  await alice.resumeRoom(roomId);
  assert.equal((await resumed.take()).resumedBy, alice.agentId);
  assert.equal((await bob.sendMessage(roomId, "hello")).seq, 1);
});
