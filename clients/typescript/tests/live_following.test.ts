/** Following and retrying with the real server, through lost connections and a server that is killed. */

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type ClientOptions, type EventMap, WardroomClient } from "wardroom-client";
import { LiveServer } from "./support/live_server.js";
import { type Passage, passage } from "./support/passage.js";
import { Inbox, within } from "./support/waiting.js";

const IMPATIENT = { reconnectBaseMs: 20, reconnectMaxMs: 200, requestTimeoutMs: 10_000 };

async function live(t: TestContext): Promise<LiveServer> {
  const server = await LiveServer.start();
  t.after(() => server.remove());
  return server;
}

async function enter(t: TestContext, url: string, apiKey: string, options: ClientOptions = {}): Promise<WardroomClient> {
  const client = new WardroomClient({ url, apiKey, ...IMPATIENT, ...options });
  t.after(() => client.close());
  await client.connect();
  return client;
}

async function read(client: WardroomClient, roomId: string, count: number): Promise<string[]> {
  const contents: string[] = [];
  for await (const item of client.room(roomId, { since: 0 })) {
    assert.ok(item.kind === "message", JSON.stringify(item));
    contents.push(item.message.content);
    assert.equal(item.message.seq, contents.length);
    if (contents.length === count) {
      break;
    }
  }
  return contents;
}

test("each message once and in order, through disconnects and a kill", async (t) => {
  const server = await live(t);
  const through: Passage = await passage(t, server.url);
  const controller = await enter(t, server.url, server.controllerKey);
  const alice = await enter(t, through.url, (await controller.inviteAgent("alice")).apiKey);
  const bob = await enter(t, through.url, (await controller.inviteAgent("bob")).apiKey, { iterationBufferSize: 16 });
  const { roomId } = await alice.createRoom("Ops");
  await bob.joinRoom(roomId);
  const count = 150;
  const expected = Array.from({ length: count }, (_, number) => String(number));
  const reading = Promise.all([alice, bob].map((client) => read(client, roomId, count)));
  let restarted = Promise.resolve();
  for (const content of expected) {
    if (Number(content) === count / 2) {
      await server.kill();
      restarted = server.startAgain();
    }
    const sending = alice.sendMessage(roomId, content);
    if (Number(content) % 12 === 5) {
      through.cut();
    }
    await sending;
  }
  await restarted;
  for (const contents of await within(reading, "everything that was said")) {
    assert.deepEqual(contents, expected);
  }
  const oldest = await alice.roomHistory(roomId, { afterSeq: 0, limit: 3 });
  assert.deepEqual(oldest.map(({ seq }) => seq), [1, 2, 3]);
  const lower = await alice.roomHistory(roomId, { beforeSeq: 3 });
  assert.deepEqual(lower.map(({ seq }) => seq), [1, 2]);
});

test("a new client goes on where the old one was, and is told of another database", async (t) => {
  const server = await live(t);
  const controller = await enter(t, server.url, server.controllerKey);
  const { apiKey } = await controller.inviteAgent("alice");
  const alice = await enter(t, server.url, apiKey);
  const lobby = alice.lobbyId!;
  const [items, direct] = await Promise.all([alice.room(lobby).begin(), alice.direct().begin()]);
  await controller.sendMessage(lobby, "one");
  await controller.sendDm(alice.agentId!, "first");
  assert.equal((await items.next()).value?.kind, "message");
  assert.equal((await direct.next()).value?.kind, "dm");
  const { positions } = alice;
  await alice.close();
  await controller.sendMessage(lobby, "two");
  await controller.sendDm(alice.agentId!, "second");
  const again = await enter(t, server.url, apiKey, { positions });
  const { value: item } = await again.room(lobby).next();
  assert.ok(item?.kind === "message" && item.message.content === "two");
  const { value: told } = await again.direct().next();
  assert.ok(told?.kind === "dm" && told.message.content === "second");
  const since = { epoch: "0198c0de-0000-7000-8000-000000000000", seq: 1 };
  const { value: reset } = await again.room(lobby, { since }).next();
  assert.ok(reset?.kind === "reset" && reset.reset.reason === "epoch");
});

test("a message whose answer was lost is stored once", async (t) => {
  const server = await live(t);
  const through = await passage(t, server.url);
  const controller = await enter(t, through.url, server.controllerKey);
  const expected = Array.from({ length: 20 }, (_, number) => String(number));
  for (const content of expected) {
    through.swallowAnswers();
    const sending = controller.sendMessage(controller.lobbyId!, content);
    await through.swallowed();
    through.cut();
    assert.equal((await sending).seq, Number(content) + 1);
  }
  const history = await controller.roomHistory(controller.lobbyId!, { afterSeq: 0 });
  assert.deepEqual(history.map(({ content }) => content), expected);
});

test("a change of a task whose answer was lost is made once", async (t) => {
  const server = await live(t);
  const through = await passage(t, server.url);
  const controller = await enter(t, through.url, server.controllerKey);
  const lobby = controller.lobbyId!;
  const losing = async <Result>(change: () => Promise<Result>): Promise<Result> => {
    through.swallowAnswers();
    const changing = change();
    await through.swallowed();
    through.cut();
    return changing;
  };
  const offered = await controller.createTask(lobby, "Count the sheep");
  // Of two claims the second would have been refused, because the first holds it.
  const claimed = await losing(() => controller.claimTask(offered.taskId));
  assert.deepEqual([claimed.state, claimed.generation, claimed.revision], ["accepted", 1, offered.revision + 1]);
  const completed = await losing(() => controller.completeTask(offered.taskId, 1, { content: "Seven." }));
  const results = await controller.roomHistory(lobby, { replyTo: offered.taskId });
  assert.deepEqual(results.map(({ messageId }) => messageId), [completed.resultMessageId]);
});

test("after a restore handlers go on, and what was restored can be read again", async (t) => {
  const server = await live(t);
  const controller = await enter(t, server.url, server.controllerKey);
  const alice = await enter(t, server.url, (await controller.inviteAgent("alice")).apiKey);
  const { roomId } = await alice.createRoom("Ops");
  await controller.joinRoom(roomId);
  const expected = Array.from({ length: 10 }, (_, number) => String(number));
  const backup = server.freePath("a.backup");
  for (const content of expected) {
    if (content === "5") {
      await server.command("backup", backup);
    }
    await controller.sendMessage(roomId, content);
  }
  assert.deepEqual(await read(alice, roomId, 10), expected);
  const messages = new Inbox<EventMap["message"]>("a message");
  const opened = new Inbox<EventMap["connection.opened"]>("the connection");
  alice.on("message", messages.put).on("connection.opened", opened.put);

  await server.stop();
  await server.command("restore", backup);
  await server.startAgain();
  await opened.take();
  // A number that handlers were shown before the restore.
  assert.equal((await controller.sendMessage(roomId, "anew")).seq, 6);
  assert.equal((await messages.take()).message.content, "anew");
  const { value: told } = await alice.room(roomId).next();
  assert.ok(told?.kind === "reset" && told.reset.reason === "epoch" && told.reset.oldest !== undefined);
  const { epoch, seq } = told.reset.oldest;
  const contents: string[] = [];
  for await (const item of alice.room(roomId, { since: { epoch, seq: seq - 1 } })) {
    assert.ok(item.kind === "message");
    if (contents.push(item.message.content) === 6) {
      break;
    }
  }
  assert.deepEqual(contents, [...expected.slice(0, 5), "anew"]);
});

test("programs that share a key are told that their sessions end each other", async (t) => {
  const server = await LiveServer.start({ WARDROOM_LIMITS__SESSIONS_PER_AGENT: "1" });
  t.after(() => server.remove());
  const first = new WardroomClient({ url: server.url, apiKey: server.controllerKey });
  t.after(() => first.close());
  const lost = new Inbox<EventMap["connection.lost"]>("the loss of the connection");
  first.on("connection.lost", lost.put);
  await first.connect();
  await enter(t, server.url, server.controllerKey);
  assert.equal((await lost.take()).replaced, true);
});
