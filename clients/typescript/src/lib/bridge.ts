/** The local bridge: a place in rooms for agents that can make one request at a time. */

import type {
  BridgeRoom,
  BridgeStatus,
  BridgeTask,
  ConnectedRoom,
  Envelope,
  Level,
  Priority,
  SentEnvelope,
} from "./bridge_types.js";
import { BridgeError, BridgeUnreachableError, isObject, messageOf, ProtocolError } from "./errors.js";
import { environment, host } from "./host.js";

/** Where a bridge listens unless it is told otherwise. */
export const DEFAULT_BRIDGE_URL = "http://127.0.0.1:7654";

/** Seconds for which a bridge lets a request wait at most. */
const LONGEST_WAIT = 120;

/** How a `Bridge` is reached. */
export interface BridgeOptions {
  /** Where the bridge listens; `http://127.0.0.1:7654` by default. */
  readonly url?: string;
  /** The agent's own queue at the bridge; `AGENTLINK_AGENT_ID` by default, and without one the shared queue. */
  readonly agent?: string;
  /** The room that calls are about; the bridge's first room by default. */
  readonly room?: string;
  /** The bridge's token, where it asks for one. */
  readonly token?: string;
  /** Milliseconds that an answer may take, beside what a call waits on purpose; 30,000 by default. */
  readonly timeoutMs?: number;
}

/** About which room a call is; the one of `connect` or of the options by default. */
export interface InBridgeRoom {
  readonly room?: string;
}

/** How something is sent. */
export interface BridgeSendOptions extends InBridgeRoom {
  readonly priority?: Priority;
}

/**
 * An agent at a local bridge (`wardroom bridge`), which keeps links to peers and seats in hub rooms for it.
 *
 * Every call is one HTTP request; nothing is kept open in between. What the bridge has for the agent stays there, on the
 * disk, until the agent took it. The bridge serves no web pages, so this works in Node and not in a browser.
 */
export class Bridge {
  readonly #url: string;
  readonly #agent: string | undefined;
  readonly #token: string | undefined;
  readonly #timeoutMs: number;
  #room: string | undefined;

  /** Throws `TypeError` when the address is not one of HTTP. */
  constructor(options: BridgeOptions = {}) {
    const url = options.url ?? DEFAULT_BRIDGE_URL;
    if (!/^http:\/\/[^/]/.test(url)) {
      throw new TypeError(`\`${url}\` is not the address of a bridge, such as ${DEFAULT_BRIDGE_URL}`);
    }
    this.#url = url.replace(/\/+$/, "");
    this.#agent = options.agent ?? environment("AGENTLINK_AGENT_ID");
    this.#room = options.room;
    this.#token = options.token;
    this.#timeoutMs = options.timeoutMs ?? 30_000;
  }

  /**
   * Has the bridge enter a room, and registers the agent there.
   *
   * `room` is a P2P room, or with `hub` (the WebSocket address of a wardroom server) a room of that hub; without one, a new
   * P2P room is made. `keyFile` holds the agent's key for the hub, and the bridge reads it. Later calls are about this
   * room, unless they name another.
   */
  async connect(
    options: { readonly room?: string; readonly hub?: string; readonly keyFile?: string } = {},
  ): Promise<ConnectedRoom> {
    const { room, hub, keyFile } = options;
    const answer = await this.#post<ConnectedRoom>("/connect", { roomId: room, agentId: this.#agent, hub, keyFile });
    this.#room = answer.roomId;
    return answer;
  }

  /** Says something. */
  sendChat(content: string, options: BridgeSendOptions & { readonly replyTo?: string } = {}): Promise<SentEnvelope> {
    return this.#send("chat", { content, replyTo: options.replyTo }, options);
  }

  /** Asks for something to be done; `tasks` tells what became of it. */
  sendTask(description: string, data: unknown = null, options: BridgeSendOptions = {}): Promise<SentEnvelope> {
    return this.#send("task", { description, data }, options);
  }

  /** Answers the task `replyTo`. */
  sendResult(data: unknown, replyTo: string, options: BridgeSendOptions = {}): Promise<SentEnvelope> {
    return this.#send("result", { data, replyTo }, options);
  }

  /** Asks something. */
  sendQuery(question: string, options: BridgeSendOptions = {}): Promise<SentEnvelope> {
    return this.#send("query", { question }, options);
  }

  /** Sends a text as a file. */
  sendFile(name: string, content: string, options: BridgeSendOptions = {}): Promise<SentEnvelope> {
    return this.#send("file", { name, content }, options);
  }

  /** Sends what has no call of its own: `body` goes to `/send` as it is. */
  send(body: Readonly<Record<string, unknown>>): Promise<SentEnvelope> {
    return this.#post<SentEnvelope>("/send", body);
  }

  /**
   * Takes what waits for the agent: what is urgent first, at most `limit` (0: all).
   *
   * Waits up to `wait` seconds (at most 120) while there is nothing. A call that `signal` aborts takes nothing: the bridge
   * keeps what it could not hand over.
   */
  receive(
    options: InBridgeRoom & { readonly wait?: number; readonly limit?: number; readonly signal?: unknown } = {},
  ): Promise<Envelope[]> {
    const { wait = 0, limit = 0, signal } = options;
    const query = { wait, limit, agent: this.#agent, room: options.room ?? this.#room };
    const longest = this.#timeoutMs + 1000 * Math.min(Math.max(wait, 0), LONGEST_WAIT);
    return this.#get<Envelope[]>("/recv", query, longest, signal);
  }

  /** Every message for the agent, as it comes, until the caller stops asking. */
  async *messages(options: InBridgeRoom = {}): AsyncGenerator<Envelope, never, undefined> {
    for (;;) {
      yield* await this.receive({ ...options, wait: 30 });
    }
  }

  /** Everything that ever came in for the room; takes nothing. */
  history(options: InBridgeRoom = {}): Promise<Envelope[]> {
    return this.#get<Envelope[]>("/recv", { all: 1, room: options.room ?? this.#room });
  }

  /** How it stands with a room's link. */
  status(options: InBridgeRoom = {}): Promise<BridgeStatus> {
    return this.#get<BridgeStatus>("/status", { room: options.room ?? this.#room });
  }

  /** All rooms of the bridge. */
  rooms(): Promise<BridgeRoom[]> {
    return this.#get<BridgeRoom[]>("/rooms", {});
  }

  /** The tasks that were sent to a room, all or those in one state. */
  tasks(options: InBridgeRoom & { readonly state?: string } = {}): Promise<BridgeTask[]> {
    return this.#get<BridgeTask[]>("/tasks", { room: options.room ?? this.#room, state: options.state });
  }

  /** Changes what this side allows; what holds is the more restrictive of both sides. */
  async setPermission(level: Level, options: InBridgeRoom = {}): Promise<void> {
    await this.#post("/perm", { roomId: options.room ?? this.#room, level });
  }

  /** Leaves a room for good. */
  async closeRoom(options: InBridgeRoom = {}): Promise<void> {
    const roomId = options.room ?? this.#room;
    if (roomId === undefined) {
      throw new TypeError("no room is named, and `connect` was not called: without one, all would be closed");
    }
    await this.#post("/close", { roomId });
  }

  #send(type: string, fields: Readonly<Record<string, unknown>>, options: BridgeSendOptions): Promise<SentEnvelope> {
    const roomId = options.room ?? this.#room;
    return this.send({ roomId, agentId: this.#agent, type, ...fields, priority: options.priority ?? "normal" });
  }

  #post<Answer>(path: string, body: Readonly<Record<string, unknown>>): Promise<Answer> {
    return this.#exchange<Answer>("POST", path, JSON.stringify(body), this.#timeoutMs, undefined);
  }

  #get<Answer>(
    path: string,
    query: Readonly<Record<string, string | number | undefined>>,
    timeoutMs = this.#timeoutMs,
    signal?: unknown,
  ): Promise<Answer> {
    const given = Object.entries(query).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
    );
    return this.#exchange<Answer>("GET", `${path}?${given.join("&")}`, undefined, timeoutMs, signal);
  }

  async #exchange<Answer>(
    method: string,
    target: string,
    body: string | undefined,
    timeoutMs: number,
    signal: unknown,
  ): Promise<Answer> {
    const headers: Record<string, string> = { "Content-Type": "application/json" };
    if (this.#token !== undefined) {
      headers["Authorization"] = `Bearer ${this.#token}`;
    }
    const { AbortSignal } = host;
    const timeout = AbortSignal.timeout(timeoutMs);
    const until = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
    let status: number;
    let text: string;
    try {
      const answer = await host.fetch(this.#url + target, { method, headers, body, signal: until });
      [status, text] = [answer.status, await answer.text()];
    } catch (cause) {
      if (isObject(signal) && signal["aborted"] === true) {
        throw signal["reason"];
      }
      const advice = "start one with `wardroom bridge`";
      throw new BridgeUnreachableError(`no bridge answers at ${this.#url} (${messageOf(cause)}); ${advice}`, cause);
    }
    const answer = parsed(text);
    if (status !== 200) {
      throw BridgeError.of(status, answer);
    }
    if (answer === undefined) {
      throw new ProtocolError("the bridge answered something that is not JSON");
    }
    return answer as Answer;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
