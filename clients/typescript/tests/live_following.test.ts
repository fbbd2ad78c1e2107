/** Following and retrying with the real server, through lost connections and a server that is killed. */

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type ClientOptions, WardroomClient } from "wardroom-client";
import { LiveServer } from "./support/live_server.js";
import { type Passage, passage } from "./support/passage.js";
import { within } from "./support/waiting.js";

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
