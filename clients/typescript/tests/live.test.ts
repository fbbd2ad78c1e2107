/** The client against the real server. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, test, type TestContext } from "node:test";
import {
  type ClientOptions,
  ConnectionLostError,
  enrol,
  ErrorCode,
  type EventMap,
  type EventName,
  RpcError,
  WardroomClient,
} from "wardroom-client";
import { cleanEnvironment, LiveServer } from "./support/live_server.js";
import { PACKAGE } from "./support/places.js";
import { Inbox, within } from "./support/waiting.js";

/** Reconnects fast enough for a test; the waits themselves are tested elsewhere. */
const IMPATIENT = { reconnectBaseMs: 20, reconnectMaxMs: 200 };

describe("against the real server", () => {
  let server: LiveServer;

  before(async () => {
    server = await LiveServer.start();
  });

  after(async () => {
    await server?.remove();
  });

  async function enter(t: TestContext, apiKey: string, options: ClientOptions = {}): Promise<WardroomClient> {
    const client = new WardroomClient({ url: server.url, apiKey, ...IMPATIENT, ...options });
    t.after(() => client.close());
    await client.connect();
    return client;
  }

  /** A controller, and one participant for each name. */
  async function cast(t: TestContext, ...names: string[]): Promise<[WardroomClient, ...WardroomClient[]]> {
    const controller = await enter(t, server.controllerKey);
    const agents: WardroomClient[] = [];
    for (const name of names) {
      const { apiKey } = await controller.inviteAgent(name);
      agents.push(await enter(t, apiKey));
    }
    return [controller, ...agents];
  }

  test("properties tell who one is", async (t) => {
    const [controller, alice] = await cast(t, "alice");
    assert.ok(controller.isController && !controller.isParticipant);
    assert.ok(alice!.isParticipant && !alice!.isController);
    assert.equal(alice!.displayName, "alice");
    assert.equal(alice!.lobbyId, controller.lobbyId);
    assert.match(alice!.agentId ?? "", /^[0-9a-f-]{36}$/);
    assert.match(alice!.session?.epoch ?? "", /./);
    const lobby = (await alice!.listRooms()).filter((room) => room.isLobby);
    assert.deepEqual(lobby.map((room) => room.roomId), [alice!.lobbyId]);
  });

  test("a room's life, with every event of it", async (t) => {
    const [controller, alice, bob] = (await cast(t, "alice", "bob")) as [WardroomClient, WardroomClient, WardroomClient];
    const bobSees = record(bob);
    const aliceSees = record(alice);

    const room = await alice.createRoom("Ops", { description: "work" });
    assert.equal(room.name, "Ops");
    assert.equal(room.ownerId, alice.agentId);
    assert.equal((await bobSees("room.created")).roomId, room.roomId);
    await bob.joinRoom(room.roomId);
    assert.deepEqual(await aliceSees("room.joined"), { roomId: room.roomId, agentId: bob.agentId, displayName: "bob" });

    const sent = [];
    for (const content of ["one", "two  ", "three\n\u0001😀"]) {
      sent.push(await alice.sendMessage(room.roomId, content));
      const { message } = await bobSees("message");
      assert.equal(message.content, content);
      assert.equal(message.messageId, sent.at(-1)?.messageId);
    }
    assert.deepEqual(sent.map(({ seq }) => seq), [1, 2, 3]);
    const history = await bob.roomHistory(room.roomId);
    assert.deepEqual(history.map(({ messageId }) => messageId), sent.map(({ messageId }) => messageId));
    const page = await bob.roomHistory(room.roomId, { limit: 1, before: sent[2]!.timestamp });
    assert.deepEqual(page.map(({ content }) => content), ["two  "]);

    await alice.removeMessage(sent[0]!.messageId, "a slip");
    assert.equal((await bobSees("message.removed")).reason, "a slip");
    assert.equal((await bob.roomHistory(room.roomId))[0]?.content, "[removed]");

    await alice.updateRoom(room.roomId, { name: "Operations", description: null });
    assert.equal((await bobSees("room.updated")).name, "Operations");
    await alice.setRoomVisibility(room.roomId, "private");
    assert.equal((await bobSees("room.visibilityChanged")).visibility, "private");
    const { room: shown, members } = await bob.roomInfo(room.roomId);
    assert.equal(shown.visibility, "private");
    assert.deepEqual(members.map(({ agentId }) => agentId).sort(), [alice.agentId, bob.agentId].sort());

    await alice.kickFromRoom(room.roomId, bob.agentId!);
    assert.equal((await bobSees("kicked")).roomId, room.roomId);
    await assert.rejects(bob.joinRoom(room.roomId), { name: "RpcError", code: ErrorCode.notInvited });
    await alice.inviteToRoom(room.roomId, bob.agentId!);
    assert.equal((await bobSees("room.invited")).byAgentId, alice.agentId);
    await bob.joinRoom(room.roomId);
    await bob.leaveRoom(room.roomId);

    await controller.takeOwnership(room.roomId);
    assert.equal((await aliceSees("room.ownerChanged")).newOwnerId, controller.agentId);
    await controller.deleteRoom(room.roomId);
    assert.equal((await aliceSees("room.deleted")).roomId, room.roomId);
    await assert.rejects(alice.roomInfo(room.roomId), { code: ErrorCode.roomNotFound });
  });

  test("a task from its offer to its result, and the thread that it makes", async (t) => {
    const [, alice, bob] = (await cast(t, "alice", "bob")) as [WardroomClient, WardroomClient, WardroomClient];
    const { roomId } = await alice.createRoom("Ops");
    await bob.joinRoom(roomId);
    const [aliceSees, bobSees] = [record(alice), record(bob)];
    const offer = { description: "All of them.", data: { field: 7 }, idempotencyKey: "once" };
    const offered = await alice.createTask(roomId, "Count the sheep", offer);
    assert.deepEqual(await alice.createTask(roomId, "Count the sheep", offer), offered);
    const { taskId } = offered;
    const { task } = await bobSees("task.created");
    assert.deepEqual([task.taskId, task.state], [taskId, "submitted"]);
    assert.deepEqual((await bob.getTask(taskId)).data, { field: 7 });

    const claims = await Promise.allSettled([bob.claimTask(taskId), alice.claimTask(taskId)]);
    const won = claims.findIndex((claim) => claim.status === "fulfilled");
    const lost = claims[1 - won]!;
    const [holder, other] = won === 0 ? [bob, alice] : [alice, bob];
    assert.ok(won >= 0 && lost.status === "rejected" && lost.reason instanceof RpcError);
    assert.equal(lost.reason.code, ErrorCode.taskHeld);
    assert.equal((lost.reason.data as { holder: string }).holder, holder.agentId);

    await holder.updateTask(taskId, { generation: 1, state: "submitted" });
    assert.equal((await other.claimTask(taskId, { leaseMs: 60_000 })).generation, 2);
    await assert.rejects(holder.completeTask(taskId, 1, { content: "Six." }), { code: ErrorCode.staleGeneration });
    const { resultMessageId } = await other.completeTask(taskId, 2, { content: "Seven.", data: { sheep: 7 } });
    const [result] = await alice.roomHistory(roomId, { replyTo: taskId });
    assert.deepEqual([result?.messageId, result?.type, result?.data], [resultMessageId, "result", { sheep: 7 }]);
    const states = [];
    for (let state = ""; state !== "completed"; states.push(state)) {
      state = (await (other === alice ? bobSees : aliceSees)("task.updated")).task.state;
    }
    assert.equal(states.at(-1), "completed");
    assert.equal((await bob.getTask(taskId)).resultMessageId, resultMessageId);

    const goats = await bob.createTask(roomId, "Count the goats", { assignee: alice.agentId! });
    const { nextCursor } = await bob.listTasks({ roomId, limit: 1 });
    const { tasks } = await bob.listTasks({ roomId, limit: 1, cursor: nextCursor });
    assert.deepEqual(tasks.map((task) => task.taskId), [goats.taskId]);
    assert.equal((await bob.cancelTask(goats.taskId, "no goats")).state, "canceled");

    const question = await alice.sendDm(bob.agentId!, "How many?", { type: "query" });
    await bob.sendDm(alice.agentId!, "None.", { data: 0, replyTo: question.messageId });
    const answer = await aliceSees("dm");
    assert.deepEqual([answer.data, answer.replyTo], [0, question.messageId]);
  });

  test("direct messages, the message of the day and documents", async (t) => {
    const [controller, alice, bob] = (await cast(t, "alice", "bob")) as [WardroomClient, WardroomClient, WardroomClient];
    const bobSees = record(bob);
    const { messageId } = await alice.sendDm(bob.agentId!, "psst");
    const dm = await bobSees("dm");
    assert.deepEqual([dm.fromAgentId, dm.content, dm.messageId], [alice.agentId, "psst", messageId]);
    const inLobby = (await bob.roomHistory(bob.lobbyId!)).find((message) => message.messageId === messageId);
    assert.equal(inLobby?.toAgentId, bob.agentId);

    await controller.setMotd("be kind");
    assert.equal((await bobSees("lobby.motd")).content, "be kind");
    assert.equal(bob.motd, "be kind");
    assert.equal(controller.motd, "be kind");
    assert.equal(await bob.getMotd(), "be kind");
    await controller.setMotd(null);
    assert.equal(await alice.getMotd(), null);

    assert.ok((await alice.listDocs()).some(({ name }) => name === "constitution"));
    await controller.updateDoc("constitution", "1. Be kind");
    assert.equal((await bobSees("docs.updated")).name, "constitution");
    assert.equal((await alice.getDoc("constitution")).content, "1. Be kind");
    await assert.rejects(alice.getDoc("../secret"), { code: ErrorCode.documentNotFound });
  });

  test("errors come with code, message and data", async (t) => {
    const [, alice] = await cast(t, "alice");
    await assert.rejects(alice!.listAgents(), (error) => {
      assert.ok(error instanceof RpcError);
      assert.equal(error.code, ErrorCode.forbidden);
      assert.notEqual(error.message, "");
      assert.equal(error.retryable, false);
      assert.deepEqual((error.data as { retryable: boolean }).retryable, false);
      return true;
    });
    await assert.rejects(alice!.call("no.such.method"), { code: ErrorCode.methodNotFound });
    await assert.rejects(enter(t, `bl_k_${"0".repeat(48)}`), { name: "RpcError", code: ErrorCode.authFailed });
    assert.equal(typeof (await alice!.discover())["openrpc"], "string");
  });

  test("a key from its token to its end", async (t) => {
    const [controller, alice] = (await cast(t, "alice")) as [WardroomClient, WardroomClient];
    const invited = await controller.inviteAgent("dave", { enrol: true, readOnly: true });
    const enrolled = await enrol(invited.enrolmentToken, { url: server.url, keyName: "laptop" });
    assert.deepEqual([enrolled.agentId, enrolled.key.keyName], [invited.agentId, "laptop"]);
    await assert.rejects(enrol(invited.enrolmentToken, { url: server.url }), { code: ErrorCode.enrolmentFailed });
    const dave = await enter(t, enrolled.apiKey);
    await assert.rejects(dave.sendMessage(dave.lobbyId!, "hello"), { code: ErrorCode.forbidden });
    assert.deepEqual((await dave.listKeys()).map(({ current }) => current), [true]);

    const spare = await alice.createKey("spare");
    const other = await enter(t, spare.apiKey!);
    const otherSees = record(other);
    await alice.revokeKey(spare.key.keyId);
    await otherSees("connection.ended");
    const { apiKey } = await alice.rotateKey({ overlapMs: 0 });
    assert.equal((await enter(t, apiKey!)).agentId, alice.agentId);
    assert.equal((await alice.renameAgent("alicia")).displayName, "alicia");
    const { entries, intact } = await controller.listAudit({ method: "agent.enrol" });
    assert.deepEqual([intact, entries.map(({ outcome }) => outcome)], [true, ["4110", "ok"]]);
  });

  test("a kicked agent comes back by itself, a banned or revoked one does not", async (t) => {
    const [controller, alice, bob] = (await cast(t, "alice", "bob")) as [WardroomClient, WardroomClient, WardroomClient];
    const aliceSees = record(alice);
    const bobSees = record(bob);
    await controller.kickAgent(alice.agentId!);
    await aliceSees("disconnected");
    assert.equal((await aliceSees("connection.opened")).reconnected, true);

    await controller.banAgent(alice.agentId!);
    await aliceSees("connection.ended");
    await assert.rejects(alice.connect(), { code: ErrorCode.agentBanned });
    await controller.unbanAgent(alice.agentId!);
    await alice.connect();

    await controller.revokeAgent(bob.agentId!);
    await bobSees("connection.ended");
    await assert.rejects(bob.connect(), { code: ErrorCode.authFailed });
    const listed = (await controller.listAgents()).map(({ agentId }) => agentId);
    assert.ok(listed.includes(alice.agentId!) && !listed.includes(bob.agentId!));
  });

  test("a restart of the server is survived, and nothing answered is lost", async (t) => {
    const [controller, alice, bob] = (await cast(t, "alice", "bob")) as [WardroomClient, WardroomClient, WardroomClient];
    const room = await alice.createRoom("Ops");
    await bob.joinRoom(room.roomId);
    const before = await alice.sendMessage(room.roomId, "before");
    const bobSees = record(bob);
    const reopened = [controller, alice, bob].map((client) => record(client)("connection.opened"));

    await server.stop();
    const during = alice.sendMessage(room.roomId, "during").catch((error: unknown) => {
      // Sent just before the end was seen, it may be lost, and then says so.
      assert.ok(error instanceof ConnectionLostError || (error instanceof RpcError && error.code === ErrorCode.shuttingDown));
      return null;
    });
    await server.startAgain();
    for (const opened of await Promise.all(reopened)) {
      assert.equal(opened.reconnected, true);
    }
    const stored = await within(during, "the call that waited for the server");

    const after = await alice.sendMessage(room.roomId, "after");
    assert.equal(after.seq, (stored ?? before).seq + 1);
    const seen = [];
    do {
      seen.push((await bobSees("message")).message.content);
    } while (seen.at(-1) !== "after");
    const history = await bob.roomHistory(room.roomId);
    assert.deepEqual(
      history.map(({ content }) => content),
      stored === null ? ["before", "after"] : ["before", "during", "after"],
    );
  });

  const major = Number(process.versions.node.split(".")[0]);
  for (const [socket, flags, builtIn] of [
    ["the WebSocket of Node itself", major < 22 ? ["--experimental-websocket"] : [], true],
    ["the WebSocket of `ws`", major < 22 ? [] : ["--no-experimental-websocket"], false],
  ] as const) {
    test(`a program written for BroodLink runs unchanged over ${socket}`, async (t) => {
      const controller = await enter(t, server.controllerKey);
      const { apiKey } = await controller.inviteAgent("old");
      const controllerSees = record(controller);
      const program = spawn(process.execPath, [...flags, join(PACKAGE, "tests/programs/broodlink_program.mjs")], {
        env: { ...cleanEnvironment(), TEST_URL: server.url, TEST_KEY: apiKey },
        stdio: ["ignore", "pipe", "pipe"],
      });
      t.after(() => program.kill());
      const output = Promise.all([text(program.stdout), text(program.stderr)]);

      const { message } = await Promise.race([
        controllerSees("message"),
        output.then(([, errors]) => Promise.reject(new Error(`the program ended early: ${errors}`))),
      ]);
      assert.deepEqual([message.content, message.senderName], ["hello from an old program", "Old Hand"]);
      await controller.sendMessage(controller.lobbyId!, "welcome");

      const [printed, errors] = await within(output, "the end of the program");
      assert.ok(printed !== "", `the program failed: ${errors}`);
      assert.deepEqual(JSON.parse(printed), {
        builtInWebSocket: builtIn,
        displayName: "Old Hand",
        role: "participant",
        isParticipant: true,
        isController: false,
        lobbies: [controller.lobbyId],
        lobbyId: controller.lobbyId,
        answer: "welcome",
      });
    });
  }
});

const RECORDED = [
  "message", "dm", "room.created", "room.joined", "room.invited", "room.deleted", "room.visibilityChanged",
  "room.ownerChanged", "room.updated", "message.removed", "task.created", "task.updated", "lobby.motd", "docs.updated", "kicked", "disconnected",
  "connection.opened", "connection.ended",
] as const satisfies EventName[];

/** Records what a client sees from now on; the function returned gives the events of one name, one by one. */
function record(client: WardroomClient): <Name extends (typeof RECORDED)[number]>(name: Name) => Promise<EventMap[Name]> {
  const inboxes = new Map<EventName, Inbox<unknown>>();
  for (const name of RECORDED) {
    const inbox = new Inbox<unknown>(`the event ${name}`);
    inboxes.set(name, inbox);
    client.on(name, inbox.put);
  }
  return async <Name extends EventName>(name: Name) => (await inboxes.get(name)!.take()) as EventMap[Name];
}
