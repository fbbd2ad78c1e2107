/** What the client does to keep followed rooms and direct messages complete. */

import type { Session } from "./agent_types.js";
import { retryAfterMs } from "./backoff.js";
import { type Connection, errorOf } from "./connection.js";
import { ConnectionLostError, ErrorCode, isObject, ProtocolError, RpcError } from "./errors.js";
import type { EventMap, Handlers } from "./events.js";
import { BufferedReader } from "./iteration.js";
import { Pauses } from "./pauses.js";
import type { FollowResult, Position, Positions } from "./position_types.js";
import type { Settings } from "./settings.js";
import { Reader, type ResumeRequest, saysWhere, type Source, type Stream, type StreamEvent, Streams } from "./streams.js";

/** Rooms that `auth` is asked to resume, so that it stays within what a server reads before it. */
const RESUMED_ROOMS = 400;

/** How long to wait before a server that could not follow is asked again, if it does not say. */
const PAUSE_MS = 200;

const NO_PLACE = "the server's answer does not say where the following begins";

/** Hands what is followed to the handlers. */
class HandlerReader extends Reader {
  readonly isForHandlers = true;

  constructor(
    since: Position | null,
    private readonly source: Source,
    private readonly handlers: Handlers,
  ) {
    super(since);
  }

  get isFull(): boolean {
    return this.handlers.isFull;
  }

  take(event: StreamEvent, params: unknown, position: Position): void {
    this.handlers.deliver(event, params, () => {
      this.done = position;
    });
  }

  fail(error: unknown): void {
    this.handlers.announce("connection.unfollowed", { roomId: this.source, error });
  }

  /** Begins again behind what was handed out: what waited for handlers was dropped. */
  rewind(): void {
    if (this.done !== null) {
      this.next = this.done.seq + 1;
      this.epoch = this.done.epoch;
    }
  }
}

/** Follows on behalf of handlers and iterations, over one connection after the other. */
export class Following {
  readonly #handlers: Handlers;
  readonly #settings: Settings;
  readonly #streams: Streams;
  readonly #pauses: Pauses;
  #connection: Connection | null = null;
  #request: ResumeRequest = {};
  /** Ends when nobody asks to follow a stream: of two who ask at once, it would not be known who was first. */
  readonly #turns = new WeakMap<Stream, Promise<unknown>>();

  constructor(handlers: Handlers, settings: Settings) {
    this.#handlers = handlers;
    this.#settings = settings;
    this.#pauses = new Pauses(settings.timers);
    this.#streams = new Streams(settings.positions, (stream) => this.#ask(stream));
    handlers.whenRoom = () => this.checkAll();
  }

  get positions(): Positions {
    return this.#streams.positions;
  }

  /**
   * Before a connection that is asked for: handlers go on where they were, or where the positions that were handed in say,
   * if there are any for it. Where iterations left off is for further iterations alone.
   */
  begin(): void {
    for (const stream of this.#streams.all) {
      for (const reader of stream.readers) {
        if (reader instanceof HandlerReader) {
          reader.rewind();
        }
      }
      const isHandled = this.#handlers.has(stream.source === null ? "dm" : "message");
      if (stream.handedIn && stream.stored !== null && stream.readers.size === 0 && isHandled) {
        stream.readers.add(new HandlerReader(stream.stored, stream.source, this.#handlers));
      }
    }
  }

  /** What `auth` is to go on with. */
  resumeRequest(): ResumeRequest {
    this.#connection = null;
    this.#request = this.#streams.resumeRequest(RESUMED_ROOMS);
    return this.#request;
  }

  /** A new connection, before its first event. What `auth` did not resume is followed. */
  adopt(connection: Connection, { epoch, resumed, resumedDirect }: Session): void {
    this.#connection = connection;
    this.#streams.enter(epoch ?? null);
    for (const stream of this.#streams.all) {
      stream.handedIn = false; // Handlers that are set from now on are shown what comes from now on.
    }
    for (const [source, error] of this.#streams.resumed(this.#request, resumed, resumedDirect)) {
      const refusal = errorOf(error);
      if (!refusal.retryable) {
        this.#fail(this.#streams.get(source), refusal);
      }
    }
    this.checkAll();
  }

  /** The client has ended, for good if there is an error. */
  end(error: unknown): void {
    this.#connection = null;
    this.#pauses.endAll();
    for (const stream of this.#streams.all) {
      stream.cursor = null;
      stream.asking = false;
      for (const reader of [...stream.readers]) {
        if (reader instanceof BufferedReader) {
          stream.remove(reader);
          reader.end(error);
        }
      }
    }
  }

  /** Sorts an event in; returns whether it is for the handlers at large, too. */
  take(event: string, params: unknown, ownId: string | null): boolean {
    const roomId = isObject(params) ? params["roomId"] : undefined;
    if (event === "message.removed" && typeof roomId === "string") {
      this.#takeRemoval(params as EventMap["message.removed"]);
    } else if ((event === "kicked" || event === "room.deleted") && typeof roomId === "string") {
      this.recheck(roomId, event === "room.deleted");
    }
    return this.#streams.take(event, params, ownId);
  }

  /** A room may have been lost: the server knows. */
  recheck(roomId: string, isDeleted = false): void {
    const stream = this.#streams.find(roomId);
    if (stream === undefined) {
      return;
    }
    if (stream.readers.size > 0) {
      stream.followAgain();
      this.#streams.check(stream);
    } else if (isDeleted) {
      stream.forget();
    }
  }

  checkAll(): void {
    for (const stream of this.#streams.all) {
      this.#streams.check(stream);
    }
  }

  /** Begins an iteration. */
  read(source: Source, since: Position | undefined): { reader: BufferedReader; stream: Stream } {
    const stream = this.#streams.get(source);
    const reader = new BufferedReader(since ?? stream.stored, this.#settings.iterationBufferSize);
    stream.readers.add(reader);
    this.#streams.check(stream);
    return { reader, stream };
  }

  check(stream: Stream): void {
    this.#streams.check(stream);
  }

  /** Follows for handlers; `send` makes the request. */
  async follow(
    source: Source,
    since: Position | undefined,
    send: (since: Position | undefined, onResult: (result: unknown) => void) => Promise<FollowResult>,
  ): Promise<FollowResult> {
    const stream = this.#streams.get(source);
    return this.#inTurn(stream, () => this.#followForHandlers(stream, since, send));
  }

  async #followForHandlers(
    stream: Stream,
    since: Position | undefined,
    send: (since: Position | undefined, onResult: (result: unknown) => void) => Promise<FollowResult>,
  ): Promise<FollowResult> {
    const earlier = (): Reader[] => [...stream.readers].filter((reader) => reader.isForHandlers);
    const from = since ?? (earlier().length === 0 ? (stream.stored ?? undefined) : undefined);
    const position = saysWhere(from) ? from : null;
    stream.asking = true;
    try {
      const result = await send(from, (result) => {
        if (!saysWhere(result)) {
          return;
        }
        for (const reader of earlier()) {
          stream.readers.delete(reader);
        }
        stream.readers.add(new HandlerReader(position, stream.source, this.#handlers));
        stream.answered(position, result);
      });
      if (!saysWhere(result)) {
        throw new ProtocolError(NO_PLACE);
      }
      return result;
    } finally {
      stream.asking = false;
      this.#streams.check(stream);
    }
  }

  #inTurn<Result>(stream: Stream, act: () => Promise<Result>): Promise<Result> {
    const earlier = this.#turns.get(stream);
    const turn = earlier === undefined ? act() : earlier.then(act);
    const ended = turn.catch(() => {}).then(() => {
      if (this.#turns.get(stream) === ended) {
        this.#turns.delete(stream);
      }
    });
    this.#turns.set(stream, ended);
    return turn;
  }

  #ask(stream: Stream): void {
    const connection = this.#connection;
    if (connection === null || connection.hasEnded) {
      return; // `auth` will resume.
    }
    stream.asking = true;
    void this.#inTurn(stream, () => this.#askOver(connection, stream));
  }

  async #askOver(connection: Connection, stream: Stream): Promise<void> {
    if (connection !== this.#connection) {
      return;
    }
    stream.asking = true;
    const isCurrent = (): boolean => connection === this.#connection;
    const since = stream.since() ?? undefined;
    const [method, params] =
      stream.source === null ? ["message.followDirect", { since }] : ["room.follow", { roomId: stream.source, since }];
    try {
      await this.#within(connection, method, params, (result) => {
        if (isCurrent() && !stream.answered(since ?? null, result)) {
          // Asked again, it would say the same.
          this.#fail(stream, new ProtocolError(NO_PLACE));
        }
      });
    } catch (error) {
      if (error instanceof ConnectionLostError || !isCurrent()) {
        return;
      }
      if (error instanceof RpcError && error.retryable) {
        await this.#pauses.wait(retryAfterMs(error) || PAUSE_MS);
      } else if (error instanceof RpcError) {
        this.#fail(stream, error);
      }
    }
    if (isCurrent()) {
      stream.asking = false;
      this.#streams.check(stream);
    }
  }

  /** Sends a request over `connection`; a server that does not answer in time is asked again by the caller. */
  #within(connection: Connection, method: string, params: object, onResult: (result: unknown) => void): Promise<void> {
    const { timers, requestTimeoutMs } = this.#settings;
    const sent = connection.send(method, params, onResult);
    return new Promise((resolve, reject) => {
      const timer = timers.setTimeout(() => {
        sent.forget();
        resolve();
      }, requestTimeoutMs);
      const settle = (how: () => void) => () => {
        timers.clearTimeout(timer);
        how();
      };
      sent.answer.then(settle(resolve), (error: unknown) => settle(() => reject(error))());
    });
  }

  #takeRemoval(params: EventMap["message.removed"]): void {
    for (const stream of this.#streams.all) {
      // A removed direct message is said to be in the lobby.
      if (stream.source !== params.roomId && stream.source !== null) {
        continue;
      }
      for (const reader of stream.readers) {
        if (reader instanceof BufferedReader && !reader.takeRemoval(params)) {
          this.#settings.report(new Error("an iteration is too slow: the removal of a message is not told"), {});
        }
      }
    }
  }

  #fail(stream: Stream, error: unknown): void {
    for (const reader of [...stream.readers]) {
      stream.remove(reader);
      reader.fail(error);
    }
    if (error instanceof RpcError && error.code === ErrorCode.roomNotFound) {
      stream.forget();
    }
  }
}
