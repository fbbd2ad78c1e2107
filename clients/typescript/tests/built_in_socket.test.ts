/** What can only be shown with a socket that does what the test says; the client takes it for the host's own. */

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { NotConnectedError, WardroomClient } from "wardroom-client";
import { SESSION } from "./support/scripted_server.js";
import { KEY } from "./support/setup.js";
import { Inbox } from "./support/waiting.js";

class ObedientSocket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  readonly sent = new Inbox<{ id: number; method: string }>("a request");

  constructor(readonly url: string) {}

  send(text: string): void {
    this.sent.put(JSON.parse(text) as { id: number; method: string });
  }

  close(): void {
    this.onclose?.({ code: 1000, reason: "" });
  }
}

/** Puts the obedient socket where the host has its WebSocket; the sockets that the client makes come out. */
function takeOver(t: TestContext): Inbox<ObedientSocket> {
  const made = new Inbox<ObedientSocket>("a socket");
  const original = Object.getOwnPropertyDescriptor(globalThis, "WebSocket");
  Object.defineProperty(globalThis, "WebSocket", {
    configurable: true,
    value: class extends ObedientSocket {
      constructor(url: string) {
        super(url);
        made.put(this);
      }
    },
  });
  t.after(() => {
    if (original === undefined) {
      delete (globalThis as { WebSocket?: unknown }).WebSocket;
    } else {
      Object.defineProperty(globalThis, "WebSocket", original);
    }
  });
  return made;
}

test("the host's own WebSocket is used where there is one", async (t) => {
  const made = takeOver(t);
  const client = new WardroomClient({ url: "ws://127.0.0.1:18800/ws", apiKey: KEY });
  const opening = client.connect();
  const socket = await made.take();
  assert.equal(socket.url, "ws://127.0.0.1:18800/ws");
  socket.onopen?.();
  const { id, method } = await socket.sent.take();
  assert.equal(method, "auth");
  socket.onmessage?.({ data: JSON.stringify({ jsonrpc: "2.0", id, result: SESSION }) });
  await opening;
  await client.close();
});

test("a connection that ends with the answer to `auth` was none", async (t) => {
  const made = takeOver(t);
  const client = new WardroomClient({ apiKey: KEY });
  const opening = client.connect();
  const socket = await made.take();
  socket.onopen?.();
  const { id } = await socket.sent.take();
  socket.onmessage?.({ data: JSON.stringify({ jsonrpc: "2.0", id, result: SESSION }) });
  socket.onclose?.({ code: 1001, reason: "stopping" });
  await assert.rejects(opening, NotConnectedError);
  assert.equal(client.isConnected, false);
});
