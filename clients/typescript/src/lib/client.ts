/** The client: one session that survives lost connections. */

import type { Role, Session, Status } from "./agent_types.js";
import { backoffMs, isFinalClose, isFinalError, isReplaced, retryAfterMs } from "./backoff.js";
import { Calls } from "./calls.js";
import { Connection, type Ending } from "./connection.js";
import { ConnectionLostError, isObject, messageOf, NotConnectedError, type WardroomError } from "./errors.js";
import { type EventName, type Handler, Handlers } from "./events.js";
import { Following } from "./following.js";
import { Heartbeat } from "./heartbeat.js";
import { socketOpener } from "./host.js";
import { type DirectStreamItem, Items, type RoomItem } from "./iteration.js";
import { type CallOptions, type KeyedParams, Methods } from "./methods.js";
import { Pauses } from "./pauses.js";
import type { FollowOptions, FollowResult, IterateOptions, Position, Positions } from "./position_types.js";
import { newKey, untilAnswered } from "./retry.js";
import { type ClientOptions, type Settings, settle, shownUrl } from "./settings.js";
import type { Source } from "./streams.js";

/** A connection that lasted this long counts as good again: the next loss starts with the shortest wait. */
const STABLE_AFTER_MS = 10_000;

/** As if so many tries had failed: the next wait is drawn from the whole range. */
const MANY_ATTEMPTS = 64;

type State =
  /** Never connected, closed, or given up. */
  | "idle"
  /** The first connection is being made: its failure is the caller's. */
  | "connecting"
  | "open"
  /** Lost and coming back, whether trying or waiting for the next try. */
  | "reconnecting";

/**
 * An agent's session with a server.
 *
 * After `connect` the client keeps the connection: when it drops, the client comes back with growing, random waits and
 * authenticates again; handlers stay. It stops when the key is refused or the agent is banned or revoked
 * (`connection.ended`). What was missed in between is made up for in rooms that are followed (`room`, `followRoom`), and
 * in `roomHistory` otherwise. Calls that were under way when the connection dropped reject with `ConnectionLostError`;
 * only messages and changes of tasks, which cannot happen twice, are sent again. Calls made while it is away wait for it, within their timeout.
 */
export class WardroomClient extends Methods {
  readonly #settings: Settings;
  readonly #handlers: Handlers;
  readonly #calls: Calls;
  readonly #following: Following;
  readonly #pauses: Pauses;
  #state: State = "idle";
  /** Grows with every `connect` and `close`, so that whatever an earlier one started can see that it is over. */
  #run = 0;
  #connection: Connection | null = null;
  #connectionEnded: Promise<void> = Promise.resolve();
  #heartbeat: Heartbeat | null = null;
  #connected: Promise<Session> | null = null;
  #settleConnected: { resolve(session: Session): void; reject(error: unknown): void } | null = null;
  #session: Session | null = null;
  #motd: string | null = null;
  #attempt = 0;
  #retryTimer: unknown;
  #stableTimer: unknown;
  #farewell = "";
  #whyIdle: unknown;

  /** Throws `TypeError` when there is no api key or an option makes no sense. Connects only when asked to. */
  constructor(options: ClientOptions = {}) {
    super();
    this.#settings = settle(options);
    this.#calls = new Calls(this.#settings.timers);
    this.#handlers = new Handlers((error, event) => this.#settings.report(error, { event }));
    this.#pauses = new Pauses(this.#settings.timers);
    this.#following = new Following(this.#handlers, this.#settings);
  }

  /** The name used in this session; null before the first connection unless one was asked for. */
  get displayName(): string | null {
    return this.#session?.displayName ?? this.#settings.displayName ?? null;
  }

  /** This agent's id; null before the first connection, as is everything below. */
  get agentId(): string | null {
    return this.#session?.agentId ?? null;
  }

  get role(): Role | null {
    return this.#session?.role ?? null;
  }

  get isController(): boolean {
    return this.role === "controller";
  }

  get isParticipant(): boolean {
    return this.role === "participant";
  }

  /** The room that every agent is in. */
  get lobbyId(): string | null {
    return this.#session?.lobby.roomId ?? null;
  }

  /** The message of the day, kept up to date; null when there is none. */
  get motd(): string | null {
    return this.#motd;
  }

  /** The answer to the last `auth`. */
  get session(): Session | null {
    return this.#session;
  }

  /**
   * Up to where handlers were called and items handed out, for everything that was followed.
   *
   * Kept, and given to the next client of the agent, it goes on where this one stopped. Read it when what was handed out
   * last is dealt with.
   */
  get positions(): Positions {
    return this.#following.positions;
  }

  /** Whether calls are sent at once. */
  get isConnected(): boolean {
    return this.#state === "open";
  }

  /**
   * Calls `handler` on every `name` from now on, in the order of the events.
   *
   * A handler gets one event at a time: when it returns a promise, its next event waits for that. A handler that fails
   * is reported to `onError` and called again for the next event.
   */
  on<Name extends EventName>(name: Name, handler: Handler<Name>): this {
    this.#handlers.add(name, handler);
    return this;
  }

  /** Stops calling `handler` on `name`. */
  off<Name extends EventName>(name: Name, handler: Handler<Name>): this {
    this.#handlers.remove(name, handler);
    return this;
  }

  /**
   * Connects and authenticates; resolves when events and calls flow.
   *
   * Rejects when this first try fails: with `RpcError` when the server refuses the key, `NotConnectedError` otherwise.
   * While the client reconnects by itself, this waits for that.
   */
  connect(): Promise<Session> {
    if (this.#connected !== null) {
      return this.#connected;
    }
    this.#run += 1;
    this.#attempt = 0;
    this.#state = "connecting";
    this.#following.begin();
    const connected = this.#expectConnected();
    void this.#try(this.#run);
    return connected;
  }

  /**
   * Ends the session; resolves when the connection is closed. No handler is called afterwards.
   *
   * Calls under way reject. `connect` begins anew, with the same handlers.
   */
  async close(): Promise<void> {
    const connection = this.#connection;
    this.#becomeIdle(new NotConnectedError("the client was closed"), true);
    this.#handlers.clear();
    connection?.close();
    await this.#connectionEnded;
  }

  /**
   * Everything of a room after `since`, for `for await`: messages, one's own included, each once and in order, across lost
   * connections; removals; and resets, where it does not go on at the position before (`ResetItem`). Handlers go on as
   * before.
   */
  room(roomId: string, { since }: IterateOptions = {}): Items<RoomItem> {
    return this.#items(roomId, since);
  }

  /** The same for the direct messages that this agent sends and gets. */
  direct({ since }: IterateOptions = {}): Items<DirectStreamItem> {
    return this.#items(null, since);
  }

  override followRoom(roomId: string, { since }: FollowOptions = {}): Promise<FollowResult> {
    return this.#following.follow(roomId, since, (since, onResult) =>
      this.#request("room.follow", { roomId, since }, {}, onResult),
    );
  }

  override followDirect({ since }: FollowOptions = {}): Promise<FollowResult> {
    return this.#following.follow(null, since, (since, onResult) =>
      this.#request("message.followDirect", { since }, {}, onResult),
    );
  }

  override async leaveRoom(roomId: string): Promise<Status> {
    const status = await super.leaveRoom(roomId);
    // Nobody is sent the events that he causes himself.
    this.#following.recheck(roomId);
    return status;
  }

  override async deleteRoom(roomId: string): Promise<Status> {
    const status = await super.deleteRoom(roomId);
    this.#following.recheck(roomId, true);
    return status;
  }

  protected override send<Result>(method: string, params: KeyedParams): Promise<Result> {
    const { retryMs, requestTimeoutMs } = this.#settings;
    // A server that says no epoch knows no keys: sending again might have it done twice.
    if (retryMs === 0 || this.#session?.epoch === undefined) {
      return this.call(method, params);
    }
    const idempotencyKey = params.idempotencyKey ?? newKey();
    const kept = { ...params, idempotencyKey };
    const attempt = (leftMs: number): Promise<Result> =>
      this.call(method, kept, { timeoutMs: Math.min(leftMs, requestTimeoutMs) });
    return untilAnswered(attempt, idempotencyKey, () => this.#state === "idle", this.#pauses, this.#settings);
  }

  override call<Result = unknown>(method: string, params?: object, options: CallOptions = {}): Promise<Result> {
    return this.#request(method, params, options);
  }

  #items<Item extends RoomItem | DirectStreamItem>(source: Source, since: Position | number | undefined): Items<Item> {
    const start = (): ReturnType<Following["read"]> => {
      if (this.#state === "idle") {
        throw new NotConnectedError("the client is not connected", this.#whyIdle);
      }
      if (typeof since !== "number") {
        return this.#following.read(source, since);
      }
      if (this.#session === null) {
        throw new NotConnectedError("`since` is a number of an epoch that is not known before the client is connected");
      }
      return this.#following.read(source, { epoch: this.#session.epoch ?? "", seq: since });
    };
    return new Items(start, (stream) => this.#following.check(stream));
  }

  async #request<Result>(
    method: string,
    params: object | undefined,
    options: CallOptions,
    onResult?: (result: unknown) => void,
  ): Promise<Result> {
    if (this.#state === "idle") {
      throw new NotConnectedError(`\`${method}\` was not sent: the client is not connected`, this.#whyIdle);
    }
    const connection = this.#state === "open" ? this.#connection : null;
    const timeoutMs = options.timeoutMs ?? this.#settings.requestTimeoutMs;
    return (await this.#calls.start(method, params, timeoutMs, connection, onResult)) as Result;
  }

  override async setMotd(content: string | null): Promise<Status> {
    const status = await super.setMotd(content);
    // Nobody is sent the events that he causes himself.
    this.#motd = content === "" ? null : content;
    return status;
  }

  /** Tries once to get a session; on failure decides what comes next. */
  async #try(run: number): Promise<void> {
    try {
      const { connection, session } = await this.#establish(run);
      if (run === this.#run) {
        this.#opened(connection, session);
      }
    } catch (error) {
      if (run === this.#run) {
        this.#failed(error);
      }
    }
  }

  async #establish(run: number): Promise<{ connection: Connection; session: Session }> {
    const { url, apiKey, displayName, connectTimeoutMs, timers } = this.#settings;
    const openSocket = await socketOpener();
    if (run !== this.#run) {
      throw new NotConnectedError("the client was closed");
    }
    this.#farewell = "";
    return await new Promise((resolve, reject) => {
      let markEnded = (): void => {};
      const ended = new Promise<void>((resolveEnded) => {
        markEnded = resolveEnded;
      });
      const connection = new Connection(url, openSocket, timers, {
        opened: () => {
          connection.send("auth", { apiKey, displayName, ...this.#following.resumeRequest() }).answer.then(
            (session) => finish(() => resolve({ connection, session: session as Session })),
            (error: unknown) => {
              // The server may leave a refused connection open for another key; this client has only one.
              finish(() => reject(error));
              connection.close();
            },
          );
        },
        event: (name, params) => {
          if (run === this.#run) {
            this.#event(name, params);
          }
        },
        ended: (ending) => {
          finish(() => reject(this.#couldNotConnect(ending)));
          this.#dropped(connection, ending);
          markEnded();
        },
        nonsense: (error) => this.#settings.report(error, {}),
      });
      this.#connection = connection;
      this.#connectionEnded = ended;
      const timer = timers.setTimeout(() => {
        connection.abandon(`not open and authenticated within ${connectTimeoutMs} ms`);
      }, connectTimeoutMs);
      function finish(how: () => void): void {
        timers.clearTimeout(timer);
        how();
      }
    });
  }

  #couldNotConnect({ code, reason }: Ending): Error {
    const why = reason === "" ? `closed with code ${code}` : reason;
    return new NotConnectedError(`no connection to \`${shownUrl(this.#settings.url)}\`: ${why}`);
  }

  #opened(connection: Connection, session: Session): void {
    const { heartbeatMs, timers } = this.#settings;
    const reconnected = this.#state === "reconnecting";
    this.#state = "open";
    this.#session = session;
    this.#motd = session.motd;
    this.#heartbeat = new Heartbeat(connection, heartbeatMs, timers);
    this.#stableTimer = timers.setTimeout(() => {
      this.#attempt = 0;
    }, STABLE_AFTER_MS);
    // What has waited goes first, before handlers can send anything newer.
    this.#calls.sendWaiting(connection);
    this.#settleConnected?.resolve(session);
    this.#settleConnected = null;
    this.#handlers.announce("connection.opened", { session, reconnected });
    if (connection !== this.#connection) {
      return; // A handler has closed the client.
    }
    this.#following.adopt(connection, session);
    connection.releaseEvents();
  }

  #failed(error: unknown): void {
    if (this.#state === "connecting") {
      this.#becomeIdle(error);
    } else if (isFinalError(error)) {
      this.#giveUp({ code: error.code, reason: error.message }, error);
    } else {
      this.#retryLater({ code: 1006, reason: messageOf(error) }, retryAfterMs(error));
    }
  }

  /** A connection is gone: if it was the session's, the session comes back or is over. */
  #dropped(connection: Connection, { code, reason }: Ending): void {
    if (connection !== this.#connection) {
      return;
    }
    this.#connection = null;
    if (this.#state !== "open") {
      return;
    }
    this.#stopWatching();
    const ending = { code, reason: reason || this.#farewell };
    if (isFinalClose(ending.code, ending.reason)) {
      this.#giveUp(ending, new ConnectionLostError(`the server ended the session: ${ending.reason}`));
      return;
    }
    this.#state = "reconnecting";
    // Nobody need wait for the new connection, so its failure is nobody's unhandled rejection.
    this.#expectConnected().catch(() => {});
    const replaced = isReplaced(ending.code, ending.reason);
    if (replaced) {
      this.#attempt = MANY_ATTEMPTS;
    }
    this.#retryLater(ending, 0, replaced);
  }

  #retryLater({ code, reason }: Ending, atLeastMs: number, replaced = false): void {
    const { reconnectBaseMs, reconnectMaxMs, random, timers } = this.#settings;
    const retryInMs = Math.max(atLeastMs, backoffMs(this.#attempt, reconnectBaseMs, reconnectMaxMs, random));
    this.#attempt += 1;
    const run = this.#run;
    this.#retryTimer = timers.setTimeout(() => void this.#try(run), retryInMs);
    this.#handlers.announce("connection.lost", { code, reason, retryInMs, ...(replaced ? { replaced } : {}) });
  }

  #giveUp(ending: Ending, error: WardroomError): void {
    this.#becomeIdle(error);
    this.#handlers.announce("connection.ended", ending);
  }

  /** Stops whatever goes on and fails whoever waits for a connection. */
  #becomeIdle(why: unknown, isClosed = false): void {
    this.#run += 1;
    this.#state = "idle";
    this.#whyIdle = why;
    this.#connection = null;
    this.#stopWatching();
    this.#settings.timers.clearTimeout(this.#retryTimer);
    this.#pauses.endAll();
    this.#following.end(isClosed ? undefined : why);
    this.#calls.failWaiting(new NotConnectedError(`not sent: ${messageOf(why)}`, why));
    this.#settleConnected?.reject(why);
    this.#settleConnected = null;
    this.#connected = null;
  }

  #stopWatching(): void {
    this.#heartbeat?.stop();
    this.#heartbeat = null;
    this.#settings.timers.clearTimeout(this.#stableTimer);
  }

  #expectConnected(): Promise<Session> {
    this.#connected = new Promise<Session>((resolve, reject) => {
      this.#settleConnected = { resolve, reject };
    });
    return this.#connected;
  }

  #event(name: string, params: unknown): void {
    if (isObject(params)) {
      if (name === "lobby.motd") {
        this.#motd = typeof params["content"] === "string" ? params["content"] : null;
      } else if (name === "disconnected" && typeof params["reason"] === "string") {
        this.#farewell = params["reason"];
      }
    }
    if (this.#following.take(name, params, this.agentId)) {
      this.#handlers.deliver(name, params);
    }
  }
}
