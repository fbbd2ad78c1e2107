import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import type { Session } from "wardroom-client";
import { Inbox, within } from "./waiting.js";

export interface Request {
  readonly jsonrpc: "2.0";
  readonly id: number;
  readonly method: string;
  readonly params?: Record<string, unknown>;
}

export const SESSION: Session = {
  status: "ok",
  agentId: "018f0000-0000-7000-8000-000000000001",
  role: "participant",
  displayName: "alice",
  lobby: { roomId: "018f0000-0000-7000-8000-0000000000aa", name: "Lobby" },
  motd: null,
};

/** A server that does what the test tells it, and nothing else. */
export class ScriptedServer {
  readonly url: string;
  readonly #server: WebSocketServer;
  readonly #links = new Inbox<ServerLink>("a connection");

  private constructor(server: WebSocketServer) {
    this.#server = server;
    this.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("connection", (socket, request) => this.#links.put(new ServerLink(socket, request.socket)));
  }

  static async start(): Promise<ScriptedServer> {
    const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
    await once(server, "listening");
    return new ScriptedServer(server);
  }

  /** The next connection that a client has made. */
  accept(): Promise<ServerLink> {
    return this.#links.take();
  }

  /** The next connection, let in as `session`. */
  async admit(session: Session = SESSION): Promise<ServerLink> {
    const link = await this.accept();
    const request = await link.expect("auth");
    link.answer(request, session);
    return link;
  }

  /** Connections that nobody has accepted. */
  get unaccepted(): number {
    return this.#links.rest.length;
  }

  async stop(): Promise<void> {
    for (const socket of this.#server.clients) {
      socket.terminate();
    }
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** The server's end of one connection. */
export class ServerLink {
  readonly #socket: WebSocket;
  readonly #stream: Socket;
  readonly #requests = new Inbox<Request>("a request");
  readonly #closed: Promise<{ code: number; reason: string }>;

  constructor(socket: WebSocket, stream: Socket) {
    this.#socket = socket;
    this.#stream = stream;
    socket.on("message", (data) => this.#requests.put(JSON.parse(String(data)) as Request));
    this.#closed = new Promise((resolve) => {
      socket.on("close", (code, reason) => resolve({ code, reason: String(reason) }));
    });
  }

  /** The next request, whatever it is. */
  request(): Promise<Request> {
    return this.#requests.take();
  }

  /** The next request, which must be of this method. */
  async expect(method: string): Promise<Request> {
    const request = await this.request();
    assert.equal(request.method, method);
    assert.equal(request.jsonrpc, "2.0");
    return request;
  }

  answer(request: Request, result: unknown): void {
    this.send({ jsonrpc: "2.0", id: request.id, result });
  }

  refuse(request: Request, code: number, message: string, data?: unknown): void {
    this.send({ jsonrpc: "2.0", id: request.id, error: { code, message, data } });
  }

  event(method: string, params: unknown): void {
    this.send({ jsonrpc: "2.0", method, params });
  }

  send(frame: unknown): void {
    this.sendText(JSON.stringify(frame));
  }

  sendText(text: string): void {
    this.#socket.send(text);
  }

  /** Sends several frames so that they reach the client in one piece. */
  sendTogether(...frames: unknown[]): void {
    this.#stream.cork();
    for (const frame of frames) {
      this.send(frame);
    }
    this.#stream.uncork();
  }

  close(code: number, reason = ""): void {
    this.#socket.close(code, reason);
  }

  /** Cuts the connection without a word. */
  drop(): void {
    this.#socket.terminate();
  }

  /** Stops reading: whatever the client does is not seen, as if the machine were gone. */
  freeze(): void {
    this.#stream.pause();
  }

  /** How the connection ended, once it has. */
  closed(): Promise<{ code: number; reason: string }> {
    return within(this.#closed, "the end of the connection");
  }
}
