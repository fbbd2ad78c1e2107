/**
 * Which events of followed rooms and direct messages are next, and from where to follow when they are not.
 *
 * No socket, no waiting: the client tells what came, and is told what to ask for.
 */

import { isObject } from "./errors.js";
import type { FollowResult, Position, Positions, Reset } from "./position_types.js";

/** What is followed: a room by its id, or direct messages, which are null. */
export type Source = string | null;

/** The events that followed things consist of. */
export type StreamEvent = "message" | "dm" | "reset";

/** What `auth` is asked to go on with. */
export interface ResumeRequest {
  resume?: Record<string, Position>;
  resumeDirect?: Position;
}

/** A backlog that nobody has room for is left by following anew when it is longer than this; a shorter one may pass. */
const SKIP_ABOVE = 1_000;

/** Somebody who takes what is followed, one position after the other. */
export abstract class Reader {
  /** The position that comes next; null until the server has said where "from now on" is. */
  next: number | null;
  /** The epoch of that position. */
  epoch: string | null;
  /** The last position whose event was handed out; null when there is none yet. */
  done: Position | null;
  /** Whether it hands on to handlers, which then are shown nothing else of the stream. */
  abstract readonly isForHandlers: boolean;

  constructor(since: Position | null) {
    this.done = since;
    this.next = since === null ? null : since.seq + 1;
    this.epoch = since?.epoch ?? null;
  }

  /** Whether nothing more is taken for now. */
  abstract get isFull(): boolean;

  /** The next event, after which the reader stands at `position`. Called only when it is not full. */
  abstract take(event: StreamEvent, params: unknown, position: Position): void;

  /** There will be nothing more. */
  abstract fail(error: unknown): void;

  /** The server follows, and `next` is known. */
  answered(): void {
    if (this.done === null && this.next !== null && this.epoch !== null) {
      this.done = { epoch: this.epoch, seq: this.next - 1 };
    }
  }
}

/** One thing that is followed, on behalf of all who read it. */
export class Stream {
  readonly readers = new Set<Reader>();
  /** Where a reader begins that names no position: as handed in, or as the last reader left it. */
  stored: Position | null = null;
  /** Whether `stored` is what the client was given, and nobody has read from there yet. */
  handedIn = false;
  /** Whether the server was asked to follow and has not answered. */
  asking = false;
  /** Whether to ask anew when the answer has come. */
  again = false;
  /** The last position that this connection was shown; null while it does not follow. */
  cursor: number | null = null;
  #epoch: string | null = null;
  /** The last position there was when the server answered. */
  #head = 0;
  /** Plain handlers are shown only what is beyond; null before the stream was ever followed. */
  #plainAfter: number | null = null;

  constructor(readonly source: Source) {}

  /** The position up to which everybody who reads has everything. */
  get position(): Position | null {
    let least: Position | null = null;
    for (const { done } of this.readers) {
      if (done !== null && (least === null || done.seq < least.seq)) {
        least = done;
      }
    }
    return least ?? this.stored;
  }

  /** Whether a reader that has room lacks something that this connection will not show by itself. */
  get needsToFollow(): boolean {
    if (this.asking || this.readers.size === 0) {
      return false;
    }
    const { cursor } = this;
    if (cursor === null) {
      return true;
    }
    const hungry = this.#hungry;
    return hungry.length === 0
      ? this.#head - cursor > SKIP_ABOVE
      : hungry.some(({ next, epoch }) => next === null || epoch !== this.#epoch || next <= cursor);
  }

  /** The position to follow from; null for "from now on". */
  since(): Position | null {
    const hungry = this.#hungry;
    if (hungry.length === 0 && this.cursor !== null && this.#epoch !== null) {
      return { epoch: this.#epoch, seq: this.#head };
    }
    return earliest(hungry.length === 0 ? [...this.readers] : hungry);
  }

  /** A new connection, to a server of this epoch: under another one, numbers begin anew and mean something else. */
  enter(epoch: string | null): void {
    if (this.#epoch !== epoch) {
      this.#epoch = null;
      this.#plainAfter = null;
    }
  }

  /**
   * The server follows; `result` is what it said, before the first event that it shows. False when that does not say where
   * the stream stands.
   */
  answered(since: Position | null, result: unknown): boolean {
    this.asking = false;
    if (!saysWhere(result)) {
      return false;
    }
    const { epoch, seq: head, reset } = result;
    this.cursor = reset !== undefined ? reset.resumesFrom - 1 : (since?.seq ?? head);
    if (this.#plainAfter === null || this.#epoch !== epoch) {
      this.#plainAfter = head;
    }
    this.#epoch = epoch;
    this.#head = head;
    for (const reader of [...this.readers]) {
      if (reader.next === null) {
        reader.next = head + 1;
        reader.epoch = epoch;
      } else if (reader.epoch !== epoch || reader.next > head + 1) {
        this.#reset(reader, "epoch", head + 1, reset?.oldest);
      } else if (reset?.reason === "retention" && reader.next < reset.resumesFrom) {
        this.#reset(reader, "retention", reset.resumesFrom, reset.oldest);
      }
      reader.answered();
    }
    if (this.again) {
      this.followAgain();
    }
    return true;
  }

  /** Follows anew: what the server says now, or has said, may not hold any longer. */
  followAgain(): void {
    this.again = this.asking;
    this.cursor = null;
  }

  /** The server has shown what is at `seq`. */
  shown(event: StreamEvent, params: unknown, seq: number): void {
    if (this.cursor !== null) {
      this.cursor = seq;
    }
    for (const reader of [...this.readers]) {
      const { epoch } = reader;
      if (reader.next === seq && epoch !== null && epoch === this.#epoch && !reader.isFull) {
        reader.next = seq + 1;
        reader.take(event, params, { epoch, seq });
      }
    }
  }

  /** The server has nothing of the positions in between any more. */
  missed(missedFrom: number, resumesFrom: number): void {
    if (this.cursor !== null) {
      this.cursor = resumesFrom - 1;
    }
    for (const reader of [...this.readers]) {
      const { next, epoch } = reader;
      if (epoch === this.#epoch && next !== null && missedFrom <= next && next < resumesFrom) {
        this.#reset(reader, "retention", resumesFrom, undefined);
      }
    }
  }

  /** Whether handlers that do not follow are shown an event: once, and never what their own agent said. */
  isForPlainHandlers(seq: number, isOwn: boolean): boolean {
    if (this.#plainAfter === null) {
      return true;
    }
    if (isOwn || seq <= this.#plainAfter) {
      return false;
    }
    this.#plainAfter = seq;
    return true;
  }

  /** A reader has gone; where it stood is where the next one begins. */
  remove(reader: Reader): void {
    if (this.readers.delete(reader)) {
      this.stored = reader.done ?? this.stored;
      this.handedIn = false;
    }
  }

  /** What was followed is not there any longer, so that no position in it means anything. */
  forget(): void {
    this.stored = null;
    this.handedIn = false;
  }

  get #hungry(): Reader[] {
    return [...this.readers].filter((reader) => !reader.isFull);
  }

  /** Tells a reader what it cannot have; one that is full is told when it has followed again. */
  #reset(reader: Reader, reason: Reset["reason"], resumesFrom: number, oldest: Position | undefined): void {
    const epoch = this.#epoch;
    if (reader.isFull || reader.next === null || epoch === null) {
      return;
    }
    const params: Reset = { reason, epoch, missedFrom: reader.next, resumesFrom };
    if (this.source !== null) {
      params.roomId = this.source;
    }
    if (oldest !== undefined) {
      params.oldest = oldest;
    }
    reader.next = resumesFrom;
    reader.epoch = epoch;
    reader.take("reset", params, { epoch, seq: resumesFrom - 1 });
  }
}

/** Everything that is followed. */
export class Streams {
  readonly #streams = new Map<Source, Stream>();
  readonly #ask: (stream: Stream) => void;

  /** `ask` is called when the server must be asked to follow a stream; it marks the stream as `asking`. */
  constructor(positions: Positions | undefined, ask: (stream: Stream) => void) {
    this.#ask = ask;
    for (const [roomId, position] of Object.entries(positions?.rooms ?? {})) {
      this.#handIn(roomId, position);
    }
    if (positions?.direct !== undefined) {
      this.#handIn(null, positions.direct);
    }
  }

  #handIn(source: Source, position: Position): void {
    const stream = this.get(source);
    stream.stored = position;
    stream.handedIn = true;
  }

  get all(): Stream[] {
    return [...this.#streams.values()];
  }

  get(source: Source): Stream {
    let stream = this.#streams.get(source);
    if (stream === undefined) {
      stream = new Stream(source);
      this.#streams.set(source, stream);
    }
    return stream;
  }

  /** The stream, if anybody ever asked for it. */
  find(source: Source): Stream | undefined {
    return this.#streams.get(source);
  }

  /** A new connection, before what it goes on with is known. */
  enter(epoch: string | null): void {
    for (const stream of this.all) {
      stream.enter(epoch);
    }
  }

  get positions(): Positions {
    const positions: Positions = { rooms: {} };
    for (const { source, position } of this.all) {
      if (position !== null && source === null) {
        positions.direct = position;
      } else if (position !== null && source !== null) {
        positions.rooms[source] = position;
      }
    }
    return positions;
  }

  /** Follows if somebody lacks something. */
  check(stream: Stream): void {
    if (stream.needsToFollow) {
      this.#ask(stream);
    }
  }

  /** What a new connection goes on with, at most `limit` rooms; the others are followed afterwards. */
  resumeRequest(limit: number): ResumeRequest {
    const request: ResumeRequest = {};
    const rooms: Record<string, Position> = {};
    for (const stream of this.all) {
      stream.cursor = null;
      stream.asking = false;
      stream.again = false;
      const position = earliest([...stream.readers]);
      if (position !== null && stream.source === null) {
        request.resumeDirect = position;
      } else if (position !== null && stream.source !== null && Object.keys(rooms).length < limit) {
        rooms[stream.source] = position;
      }
    }
    return Object.keys(rooms).length === 0 ? request : { ...request, resume: rooms };
  }

  /** Takes note of what a new connection goes on with; returns what was refused, with the errors of the protocol. */
  resumed(request: ResumeRequest, rooms: unknown, direct: unknown): [Source, unknown][] {
    const refused: [Source, unknown][] = [];
    const take = (source: Source, since: Position, result: unknown): void => {
      if (isObject(result) && isObject(result["error"])) {
        refused.push([source, result["error"]]);
      } else if (isObject(result)) {
        this.get(source).answered(since, result);
      }
    };
    for (const [roomId, since] of Object.entries(request.resume ?? {})) {
      take(roomId, since, isObject(rooms) ? rooms[roomId] : undefined);
    }
    if (request.resumeDirect !== undefined) {
      take(null, request.resumeDirect, direct);
    }
    return refused;
  }

  /** Hands an event on to those who follow; returns whether it is for the handlers at large, too. */
  take(event: string, params: unknown, ownId: string | null): boolean {
    const place = placeOf(event, params);
    const stream = place === null ? undefined : this.#streams.get(place.source);
    if (place === null || stream === undefined) {
      return true;
    }
    let isForAll: boolean;
    if (place.event === "reset") {
      stream.missed(place.seq, place.resumesFrom);
      isForAll = stream.readers.size === 0;
    } else {
      stream.shown(place.event, params, place.seq);
      isForAll = stream.isForPlainHandlers(place.seq, place.senderId === ownId);
    }
    const isFollowed = [...stream.readers].some((reader) => reader.isForHandlers);
    this.check(stream);
    return isForAll && !isFollowed;
  }
}

interface Place {
  readonly event: StreamEvent;
  readonly source: Source;
  readonly seq: number;
  readonly senderId: unknown;
  readonly resumesFrom: number;
}

/** Of what an event is, and at which position; null for events that have none. */
function placeOf(event: string, params: unknown): Place | null {
  if (!isObject(params)) {
    return null;
  }
  const { roomId } = params;
  if (event === "message" && isObject(params["message"]) && typeof roomId === "string") {
    const { seq, senderId } = params["message"];
    return typeof seq === "number" ? { event, source: roomId, seq, senderId, resumesFrom: 0 } : null;
  }
  if (event === "dm" && typeof params["seq"] === "number") {
    return { event, source: null, seq: params["seq"], senderId: params["fromAgentId"], resumesFrom: 0 };
  }
  const { missedFrom, resumesFrom } = params;
  if (event === "reset" && typeof missedFrom === "number" && typeof resumesFrom === "number") {
    return { event, source: typeof roomId === "string" ? roomId : null, seq: missedFrom, senderId: null, resumesFrom };
  }
  return null;
}

/** The position from which all these readers get what they lack; null when they begin now. */
function earliest(readers: Reader[]): Position | null {
  let least: Position | null = null;
  for (const { next, epoch } of readers) {
    if (next !== null && epoch !== null && (least === null || next - 1 < least.seq)) {
      least = { epoch, seq: next - 1 };
    }
  }
  return least;
}

/** Whether `value` names an epoch and a number, as positions and answers to following do, whatever its type says. */
export function saysWhere(value: unknown): value is FollowResult {
  return isObject(value) && typeof value["epoch"] === "string" && typeof value["seq"] === "number";
}
