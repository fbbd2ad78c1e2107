// Reference: a minimal bridge in Node, on libdatachannel.
//
// The steps of a message are those of link-agent's bridge (fact sheet, sections 6 and 7): an HTTP request, the message is kept
// as pending in a file, goes over the data channel, is appended to the other side's inbox, handed to whoever waits there, and
// acknowledged, after which it is no longer pending. Nothing else of a bridge is here.
//
// node --experimental-websocket bridge.mjs SIGNAL_URL ROOM DIRECTORY; prints {"port":N} when it listens, answers
// GET /status with {"connected":true} when the link is up.

import { randomBytes } from "node:crypto";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { PeerConnection } from "node-datachannel";

const [signalUrl, room, directory] = process.argv.slice(2);
mkdirSync(directory, { recursive: true });
const inbox = join(directory, "inbox.jsonl");
const pendingFile = join(directory, "pending.jsonl");

const pending = new Map();
const queue = [];
const waiters = new Set();
let channel = null;

const newId = () => randomBytes(8).toString("hex");
const keepPending = () => writeFileSync(pendingFile, [...pending.values()].map((text) => `${text}\n`).join(""));

function open(next) {
  channel = next;
  next.onMessage((text) => receive(JSON.parse(text)));
  next.onClosed(() => process.exit(1));
}

function receive(message) {
  if (message.type === "ack") {
    if (pending.delete(message.replyTo)) keepPending();
    return;
  }
  appendFileSync(inbox, `${JSON.stringify(message)}\n`);
  queue.push(message);
  for (const wake of [...waiters]) wake();
  const ack = { id: newId(), type: "ack", payload: {}, from: "reference", replyTo: message.id, priority: 1, ts: Date.now() };
  channel.sendMessage(JSON.stringify(ack));
}

function link() {
  const connection = new PeerConnection(room, { iceServers: [], maxMessageSize: 262144, disableAutoNegotiation: true });
  const socket = new WebSocket(`${signalUrl.replace(/\/+$/, "")}/${room}`);
  const send = (type, payload) => socket.send(JSON.stringify({ type, payload }));
  connection.onLocalDescription((sdp, type) => send(type.toLowerCase(), sdp));
  connection.onLocalCandidate((candidate, sdpMid) => send("ice", { candidate, sdpMid, sdpMLineIndex: 0 }));
  connection.onDataChannel((next) => next.onOpen(() => open(next)));
  socket.onmessage = ({ data }) => {
    const { type, payload } = JSON.parse(data);
    if (type === "peer-joined") {
      const next = connection.createDataChannel("agentlink");
      next.onOpen(() => open(next));
      connection.setLocalDescription("offer");
    } else if (type === "offer" || type === "answer") {
      connection.setRemoteDescription(payload, type);
      if (type === "offer") connection.setLocalDescription("answer");
    } else if (type === "ice") {
      connection.addRemoteCandidate(payload.candidate, payload.sdpMid);
    }
  };
}

const answer = (response, status, body) => {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify(body));
};

async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return JSON.parse(Buffer.concat(parts).toString() || "{}");
}

async function serve(request, response) {
  const { pathname, searchParams } = new URL(request.url, "http://localhost");
  if (pathname === "/status") return answer(response, 200, { connected: channel !== null });
  if (pathname === "/send") {
    const { content } = await body(request);
    const message = { id: newId(), type: "chat", payload: { content }, from: "reference", replyTo: null, priority: 1, ts: Date.now() };
    const text = JSON.stringify(message);
    pending.set(message.id, text);
    keepPending();
    channel.sendMessage(text);
    return answer(response, 200, { ok: true, id: message.id, roomId: room });
  }
  if (pathname === "/recv") {
    if (queue.length === 0) {
      await new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer);
          waiters.delete(done);
          resolve();
        };
        const timer = setTimeout(done, Number(searchParams.get("wait") ?? 0) * 1000);
        waiters.add(done);
      });
    }
    return answer(response, 200, queue.splice(0));
  }
  return answer(response, 404, { error: "Not found" });
}

link();
const server = createServer((request, response) => void serve(request, response));
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: server.address().port })));
