import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { ErrorCode, NotConnectedError, RpcError, WardroomClient } from "wardroom-client";
import { SESSION } from "./support/scripted_server.js";
import { CLOSE_TIMEOUT_MS, connected, DELAYS, KEY, stage } from "./support/setup.js";

test("connecting authenticates and fills the properties", async (t) => {
  const { server, client } = await stage(t, { displayName: "Bea" });
  assert.equal(client.displayName, "Bea");
  assert.equal(client.agentId, null);
  assert.equal(client.role, null);
  assert.equal(client.isController || client.isParticipant || client.isConnected, false);
  assert.equal(client.lobbyId, null);

  const opening = client.connect();
  const link = await server.accept();
  const request = await link.expect("auth");
  assert.deepEqual(request.params, { apiKey: KEY, displayName: "Bea" });
  link.answer(request, { ...SESSION, displayName: "Bea", role: "controller", motd: "welcome", epoch: "e1" });

  const session = await opening;
  assert.equal(session.epoch, "e1");
  assert.equal(client.session, session);
  assert.equal(client.displayName, "Bea");
  assert.equal(client.agentId, SESSION.agentId);
  assert.equal(client.role, "controller");
  assert.equal(client.isController, true);
  assert.equal(client.isParticipant, false);
  assert.equal(client.lobbyId, SESSION.lobby.roomId);
  assert.equal(client.motd, "welcome");
  assert.equal(client.isConnected, true);
});

test("without a display name the registered one is used", async (t) => {
  const { server, client } = await stage(t);
  const opening = client.connect();
  const link = await server.accept();
  const request = await link.expect("auth");
  assert.deepEqual(request.params, { apiKey: KEY });
  link.answer(request, SESSION);
  await opening;
  assert.equal(client.displayName, "alice");
  assert.equal(client.isParticipant, true);
});

test("connecting twice makes one connection", async (t) => {
  const { server, client } = await stage(t);
  const openings = [client.connect(), client.connect()];
  await server.admit();
  const [first, second] = await Promise.all(openings);
  assert.equal(first, second);
  assert.equal(await client.connect(), first);
  assert.equal(server.unaccepted, 0);
});

for (const code of [ErrorCode.authFailed, ErrorCode.agentBanned, ErrorCode.forbidden]) {
  test(`a first connection refused with ${code} is the caller's, and nothing is tried again`, async (t) => {
    const { server, client, timers } = await stage(t);
    const opening = client.connect();
    const link = await server.accept();
    link.refuse(await link.expect("auth"), code, "refused", { retryable: false });

    await assert.rejects(opening, (error) => error instanceof RpcError && error.code === code && !inspect(error).includes(KEY));
    assert.equal((await link.closed()).code, 1000);
    assert.deepEqual(timers.delays.filter((delay) => delay !== CLOSE_TIMEOUT_MS), []);
    await assert.rejects(client.listRooms(), NotConnectedError);
  });
}

test("after a failed first connection another try may succeed", async (t) => {
  const { server, client } = await stage(t);
  const opening = client.connect();
  (await server.accept()).drop();
  await assert.rejects(opening, NotConnectedError);

  const again = client.connect();
  await server.admit();
  await again;
  assert.equal(client.isConnected, true);
});

test("a server that is not there is named without its credentials", async () => {
  const client = new WardroomClient({ url: "ws://user:secret@127.0.0.1:1/ws?token=secret", apiKey: KEY });
  await assert.rejects(client.connect(), (error) => {
    assert.ok(error instanceof NotConnectedError);
    assert.match(error.message, /^no connection to `ws:\/\/127\.0\.0\.1:1\/ws`: /);
    assert.ok(!inspect(error).includes("secret"));
    return true;
  });
});

test("a server that does not answer `auth` in time is given up", async (t) => {
  const { server, client, timers } = await stage(t);
  const opening = client.connect();
  const link = await server.accept();
  await link.expect("auth");
  await timers.runOut(DELAYS.connectTimeoutMs);
  await assert.rejects(opening, /not open and authenticated within 10001 ms/);
  await link.closed();
});

test("closing says goodbye, fails calls under way and ends everything", async (t) => {
  const { server, client, timers, link } = await connected(t);
  const call = client.listRooms();
  await link.expect("room.list");
  const rejected = assert.rejects(call, { name: "ConnectionLostError" });
  await client.close();
  await rejected;
  assert.equal((await link.closed()).code, 1000);
  assert.equal(client.isConnected, false);
  assert.deepEqual(timers.delays, []);
  assert.equal(server.unaccepted, 0);
  await assert.rejects(client.listRooms(), NotConnectedError);
  await client.close();
});

test("closing cuts the connection when the server does not agree", async (t) => {
  const { client, timers, link } = await connected(t);
  link.freeze();
  const closing = client.close();
  await timers.runOut(CLOSE_TIMEOUT_MS);
  await closing;
  assert.deepEqual(timers.delays, []);
});

test("closing while connecting fails that", async (t) => {
  const { server, client } = await stage(t);
  const opening = client.connect();
  const rejected = assert.rejects(opening, /the client was closed/);
  const link = await server.accept();
  await link.expect("auth");
  await client.close();
  await rejected;
  await link.closed();
});

test("a closed client can connect again with the same handlers", async (t) => {
  const { server, client } = await connected(t);
  const seen: string[] = [];
  client.on("kicked", ({ roomId }) => seen.push(roomId));
  await client.close();

  const opening = client.connect();
  const link = await server.admit();
  await opening;
  link.event("kicked", { roomId: "r1", reason: null });
  const call = client.getMotd();
  link.answer(await link.expect("lobby.getMotd"), { motd: null });
  await call;
  assert.deepEqual(seen, ["r1"]);
});

test("the message of the day follows what happens", async (t) => {
  const { client, link } = await connected(t);
  link.event("lobby.motd", { content: "first", setBy: "c", setByName: "controller" });
  const reading = client.getMotd();
  link.answer(await link.expect("lobby.getMotd"), { motd: "first" });
  await reading;
  assert.equal(client.motd, "first");

  const setting = client.setMotd("");
  const request = await link.expect("lobby.setMotd");
  assert.deepEqual(request.params, { content: "" });
  link.answer(request, { status: "ok" });
  await setting;
  assert.equal(client.motd, null);
});
