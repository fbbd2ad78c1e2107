/** Replays the wire fixtures: the client sends exactly these requests and understands these answers and events. */

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { enrol, type EventName, RpcError, type Session, WardroomClient } from "wardroom-client";
import { callMethod, METHODS, unwrapped } from "./support/method_table.js";
import { FIXTURES } from "./support/places.js";
import { connected, type Stage, stage } from "./support/setup.js";
import type { ServerLink } from "./support/scripted_server.js";
import { Inbox } from "./support/waiting.js";

interface Fixture {
  readonly method: string;
  readonly cases: readonly Case[];
}

interface Case {
  readonly name: string;
  readonly as: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message?: string; readonly data?: Record<string, unknown> };
  readonly events?: readonly { readonly to: string; readonly method: string; readonly params: unknown }[];
}

/** Every event that the client's types know; the compiler sees to it that none is missing. */
const EVENTS: Record<EventName, true> = {
  presence: true,
  "agent.renamed": true,
  message: true,
  dm: true,
  reset: true,
  "room.created": true,
  "room.joined": true,
  "room.left": true,
  "room.invited": true,
  "room.deleted": true,
  "room.visibilityChanged": true,
  "room.ownerChanged": true,
  "room.updated": true,
  "room.paused": true,
  "room.resumed": true,
  "message.removed": true,
  "message.read": true,
  "task.created": true,
  "task.updated": true,
  "lobby.motd": true,
  "docs.updated": true,
  kicked: true,
  disconnected: true,
  "connection.opened": true,
  "connection.lost": true,
  "connection.ended": true,
  "connection.unfollowed": true,
};

/** What stands for each matcher when a client is shown the answer. */
const SAMPLES: Record<string, unknown> = {
  "<uuid>": "018f6d2a-7c1b-7e42-9d0c-3b5a1f2e4d6c",
  "<time>": 1_735_689_600_123,
  "<key>": `bl_k_${"0f".repeat(24)}`,
  "<string>": "some text",
  "<int>": 7,
  "<any>": { anything: true },
};

const names = existsSync(FIXTURES) ? readdirSync(FIXTURES).filter((name) => name.endsWith(".json")).sort() : [];

test("there are wire fixtures for every method", () => {
  assert.ok(names.length > 0, `there are no fixtures in \`${FIXTURES}\``);
  // What `rpc.discover` answers is generated from the server's method table, so no fixture can spell it out.
  const shown = Object.keys(METHODS).filter((method) => method !== "rpc.discover");
  const missing = shown.filter((method) => !names.includes(`${method}.json`));
  assert.deepEqual(missing, [], "methods of the client that no fixture shows");
});

for (const name of names) {
  const fixture = JSON.parse(readFileSync(join(FIXTURES, name), "utf8")) as Fixture;
  test(`wire fixture ${name}`, async (t) => {
    assert.equal(`${fixture.method}.json`, name);
    assert.ok(fixture.cases.length > 0, "there are no cases");
    for (const item of fixture.cases) {
      await t.test(item.name, (t) => replay(t, fixture.method, filledIn(item) as Case));
    }
  });
}

async function replay(t: TestContext, method: string, item: Case): Promise<void> {
  assert.ok(item.error !== undefined || "result" in item, "the case has neither a result nor an error");
  if (isEnrolment(method, item)) {
    return await replayEnrolment(t, item);
  }
  const set = isFirstAuth(method, item) ? await replayAuth(t, item) : await replayCall(t, method, item);
  for (const event of item.events ?? []) {
    assert.ok(event.method in EVENTS, `the client does not know the event \`${event.method}\``);
    const inbox = new Inbox<unknown>(`the event ${event.method}`);
    set.client.on(event.method as EventName, inbox.put);
    set.link.event(event.method, event.params);
    assert.deepEqual(await inbox.take(), event.params);
    set.client.off(event.method as EventName, inbox.put);
  }
}

/** Whether the case is what `connect` does, and not an `auth` that only a raw client would send. */
function isFirstAuth(method: string, { as, params }: Case): boolean {
  const { apiKey, displayName = "", ...others } = (params ?? {}) as Record<string, unknown>;
  return (
    method === "auth" && as === "stranger" && Object.keys(others).length === 0 &&
    typeof apiKey === "string" && apiKey !== "" && typeof displayName === "string"
  );
}

/** Whether the case is what `enrol` does. */
function isEnrolment(method: string, { params }: Case): boolean {
  return method === "agent.enrol" && typeof (params as Record<string, unknown>)["token"] === "string";
}

async function replayEnrolment(t: TestContext, item: Case): Promise<void> {
  const { server } = await stage(t);
  const { token, keyName } = item.params as { token: string; keyName?: string };
  const outcome = settled(enrol(token, { url: server.url, keyName }));
  const link = await server.accept();
  const request = await link.expect("agent.enrol");
  assert.deepEqual(request.params, item.params);
  if (item.error !== undefined) {
    link.refuse(request, item.error.code, item.error.message ?? "refused", item.error.data);
    isRefusal(await outcome, item.error);
  } else {
    link.answer(request, item.result);
    assert.deepEqual(await outcome, { value: item.result });
  }
}

async function replayAuth(t: TestContext, item: Case): Promise<{ client: WardroomClient; link: ServerLink }> {
  const set = await stage(t, item.params as object);
  const opening = set.client.connect();
  const outcome = settled(opening);
  const link = await set.server.accept();
  const request = await link.expect("auth");
  assert.deepEqual(request.params, item.params);
  if (item.error !== undefined) {
    link.refuse(request, item.error.code, item.error.message ?? "refused", item.error.data);
    isRefusal(await outcome, item.error);
    return { ...set, link };
  }
  link.answer(request, item.result);
  assert.deepEqual(await outcome, { value: item.result });
  const session = item.result as Session;
  assert.equal(set.client.agentId, session.agentId);
  assert.equal(set.client.role, session.role);
  assert.equal(set.client.displayName, session.displayName);
  assert.equal(set.client.lobbyId, session.lobby.roomId);
  assert.equal(set.client.motd, session.motd);
  return { ...set, link };
}

async function replayCall(t: TestContext, method: string, item: Case): Promise<Stage & { link: ServerLink }> {
  const set = await connected(t);
  const outcome = settled(callMethod(set.client, method, item.params));
  const request = await set.link.expect(method);
  assert.deepEqual(request.params ?? {}, item.params === undefined ? {} : (item.params ?? {}));
  if (item.error !== undefined) {
    set.link.refuse(request, item.error.code, item.error.message ?? "refused", item.error.data);
    isRefusal(await outcome, item.error);
  } else {
    set.link.answer(request, item.result);
    assert.deepEqual(await outcome, { value: unwrapped(method, item.params, item.result) });
  }
  return set;
}

type Outcome = { value: unknown } | { error: unknown };

function settled(promise: Promise<unknown>): Promise<Outcome> {
  return promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
}

function isRefusal(outcome: Outcome, { code, message, data }: NonNullable<Case["error"]>): void {
  assert.ok("error" in outcome && outcome.error instanceof RpcError, "the call did not fail");
  assert.equal(outcome.error.code, code);
  assert.equal(outcome.error.message, message ?? "refused");
  assert.deepEqual(outcome.error.data, data);
}

/** The case with a sample in place of every matcher and of every `$name`. */
function filledIn(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(filledIn);
  }
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, filledIn(member)]));
  }
  if (typeof value !== "string") {
    return value;
  }
  // Fixtures save times under such names; everything else that they save is an id, a name or a key.
  if (/^\$time\d*$/.test(value)) {
    return SAMPLES["<time>"];
  }
  return value in SAMPLES ? SAMPLES[value] : value.replace(/\$([A-Za-z][A-Za-z0-9]*)/g, (_, name: string) => idOf(name));
}

/** An id that is always the same for the same name. */
function idOf(name: string): string {
  const digits = Buffer.from(name).toString("hex").padEnd(12, "0").slice(-12);
  return `018f0000-0000-7000-8000-${digits}`;
}
