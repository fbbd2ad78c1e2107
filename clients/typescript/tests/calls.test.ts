import assert from "node:assert/strict";
import { test } from "node:test";
import { ConnectionLostError, NotConnectedError, RequestTimeoutError, RpcError, WardroomError } from "wardroom-client";
import { connected, DELAYS, stage } from "./support/setup.js";

test("answers find their calls in whatever order they come", async (t) => {
  const { client, link } = await connected(t);
  const calls = [client.getDoc("protocol"), client.getDoc("constitution")];
  const first = await link.expect("docs.get");
  const second = await link.expect("docs.get");
  link.answer(second, { name: "constitution" });
  link.answer(first, { name: "protocol" });
  assert.deepEqual((await Promise.all(calls)).map(({ name }) => name), ["protocol", "constitution"]);
});

test("a refusal carries code, message and data", async (t) => {
  const { client, link } = await connected(t);
  const call = client.sendMessage("r1", "hello");
  link.refuse(await link.expect("message.send"), 4080, "too many messages", { retryable: true, retryAfterMs: 250 });
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof RpcError && error instanceof WardroomError && error instanceof Error);
    assert.equal(error.name, "RpcError");
    assert.equal(error.code, 4080);
    assert.equal(error.message, "too many messages");
    assert.deepEqual(error.data, { retryable: true, retryAfterMs: 250 });
    assert.equal(error.retryable, true);
    return true;
  });
});

test("a call before connecting is refused at once", async (t) => {
  const { client } = await stage(t);
  await assert.rejects(client.listRooms(), /`room.list` was not sent: the client is not connected/);
});

test("a call made while connecting is sent after `auth`", async (t) => {
  const { server, client } = await stage(t);
  const opening = client.connect();
  const call = client.getMotd();
  const link = await server.admit();
  link.answer(await link.expect("lobby.getMotd"), { motd: "hi" });
  assert.equal(await call, "hi");
  await opening;
});

test("a call made while connecting fails with the connection", async (t) => {
  const { server, client } = await stage(t);
  const opening = client.connect();
  const call = client.getMotd();
  const bothRejected = Promise.all([assert.rejects(opening, RpcError), assert.rejects(call, NotConnectedError)]);
  const link = await server.accept();
  link.refuse(await link.expect("auth"), 4002, "unknown key");
  await bothRejected;
});

test("an answer that is too late is nobody's", async (t) => {
  const { client, timers, link, reports } = await connected(t);
  const call = client.listRooms();
  const request = await link.expect("room.list");
  await timers.runOut(DELAYS.requestTimeoutMs);
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof RequestTimeoutError);
    assert.equal(error.code, null);
    assert.match(error.message, /no answer to `room.list` within 30001 ms: the outcome is unknown/);
    return true;
  });
  link.answer(request, { rooms: [] });

  const next = client.getMotd();
  link.answer(await link.expect("lobby.getMotd"), { motd: null });
  assert.equal(await next, null);
  assert.deepEqual(reports, []);
});

test("one call can have a timeout of its own, and an answer stops it", async (t) => {
  const { client, timers, link } = await connected(t);
  const before = timers.delays;
  const call = client.call("rpc.discover", undefined, { timeoutMs: 77 });
  assert.deepEqual(timers.delays, [...before, 77]);
  const request = await link.expect("rpc.discover");
  assert.equal("params" in request, false);
  link.answer(request, { openrpc: "1.3.2" });
  assert.deepEqual(await call, { openrpc: "1.3.2" });
  assert.deepEqual(timers.delays, before);
});

test("calls under way fail when the connection drops, and are not sent again", async (t) => {
  const { server, client, timers, link } = await connected(t);
  const calls = [client.sendMessage("r1", "one"), client.sendMessage("r1", "two")];
  const rejected = calls.map((call) => assert.rejects(call, (error) => {
    assert.ok(error instanceof ConnectionLostError);
    assert.equal(error.code, null);
    assert.match(error.message, /the outcome is unknown/);
    return true;
  }));
  await link.expect("message.send");
  await link.expect("message.send");
  link.drop();
  await Promise.all(rejected);

  await timers.runOut(500);
  const again = await server.admit();
  await client.connect();
  const next = client.getMotd();
  again.answer(await again.expect("lobby.getMotd"), { motd: null });
  await next;
});

test("calls made while the connection is away wait for it, in order", async (t) => {
  const { server, client, timers, link } = await connected(t);
  link.drop();
  await new Promise((resolve) => client.on("connection.lost", resolve));
  const calls = ["one", "two", "three"].map((content) => client.sendMessage("r1", content));
  await timers.runOut(500);
  const again = await server.admit();
  for (const [index, content] of ["one", "two", "three"].entries()) {
    const request = await again.expect("message.send");
    assert.equal(request.params?.["content"], content);
    again.answer(request, { messageId: `m${index}`, timestamp: index, seq: index });
  }
  assert.deepEqual((await Promise.all(calls)).map(({ messageId }) => messageId), ["m0", "m1", "m2"]);
});

test("a call does not wait for a connection for ever, and then is never sent", async (t) => {
  const { server, client, timers, link } = await connected(t);
  link.drop();
  await new Promise((resolve) => client.on("connection.lost", resolve));
  const call = client.sendMessage("r1", "hello");
  const rejected = assert.rejects(call, (error) => {
    assert.ok(error instanceof NotConnectedError);
    assert.match(error.message, /`message.send` was not sent: no connection within 30001 ms/);
    return true;
  });
  await timers.runOut(DELAYS.requestTimeoutMs);
  await rejected;

  await timers.runOut(500);
  const again = await server.admit();
  const next = client.getMotd();
  again.answer(await again.expect("lobby.getMotd"), { motd: null });
  await next;
});

test("the number of calls under way is bounded", async (t) => {
  const { client, link } = await connected(t);
  const calls = Array.from({ length: 10_000 }, () => client.getMotd());
  await assert.rejects(client.getMotd(), /10000 calls are under way/);
  for (const _ of calls) {
    link.answer(await link.expect("lobby.getMotd"), { motd: "x" });
  }
  await Promise.all(calls);
  const next = client.getMotd();
  link.answer(await link.expect("lobby.getMotd"), { motd: "y" });
  assert.equal(await next, "y");
});

test("params that cannot be written as JSON fail the call alone", async (t) => {
  const { client, timers, link } = await connected(t);
  const before = timers.delays;
  await assert.rejects(client.call("message.send", { content: 1n }), TypeError);
  assert.deepEqual(timers.delays, before);
  const next = client.getMotd();
  link.answer(await link.expect("lobby.getMotd"), { motd: null });
  await next;
});

test("frames that make no sense are reported and the connection goes on", async (t) => {
  const { client, link, reports } = await connected(t);
  link.sendText("not JSON");
  link.send([1, 2]);
  link.send({ jsonrpc: "2.0", id: null, error: { code: -32700, message: "parse error" } });
  const call = client.getMotd();
  link.answer(await link.expect("lobby.getMotd"), { motd: null });
  await call;
  assert.equal(reports.length, 3);
  assert.match(String(reports[0]?.error), /not JSON/);
  assert.match(String(reports[1]?.error), /no object/);
  assert.match(String(reports[2]?.error), /no request: parse error/);
});

test("the server's description of itself is returned whole", async (t) => {
  const { client, link } = await connected(t);
  const discovering = client.discover();
  const request = await link.expect("rpc.discover");
  link.answer(request, { openrpc: "1.3.2", methods: [] });
  assert.deepEqual(await discovering, { openrpc: "1.3.2", methods: [] });
});

test("rooms can be made and history be read with positional arguments too", async (t) => {
  const { client, link } = await connected(t);
  const creating = client.createRoom("Ops", "private", "work");
  const create = await link.expect("room.create");
  assert.deepEqual(create.params, { name: "Ops", visibility: "private", description: "work" });
  link.answer(create, { room: { roomId: "r1" } });
  assert.equal((await creating).roomId, "r1");

  const reading = client.roomHistory("r1", 10, 99);
  const history = await link.expect("room.history");
  assert.deepEqual(history.params, { roomId: "r1", limit: 10, before: 99 });
  link.answer(history, { messages: [] });
  assert.deepEqual(await reading, []);
});

test("a page of history says whether it was cut short", async (t) => {
  const { client, link } = await connected(t);
  for (const [told, more] of [[{}, false], [{ more: true }, true]] as const) {
    const call = client.roomHistoryPage("r1", { limit: 2, before: 9 });
    const request = await link.expect("room.history");
    assert.deepEqual(request.params, { roomId: "r1", limit: 2, before: 9 });
    link.answer(request, { messages: [{ messageId: "m1" }], ...told });
    assert.deepEqual(await call, { messages: [{ messageId: "m1" }], more });
  }
});
