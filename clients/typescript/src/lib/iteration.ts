/** Iterating over a room or over direct messages: `for await (const item of client.room(roomId))`. */

import type { EventMap } from "./events.js";
import type { Position, Reset } from "./position_types.js";
import { Reader, type Stream, type StreamEvent } from "./streams.js";
import type { Message } from "./types.js";

/** A message of a room; `message.removed` is true when its content was removed before it was read. */
export interface MessageItem {
  readonly kind: "message";
  readonly roomId: string;
  readonly message: Message;
}

/** A direct message that this agent got, or, with `toAgentId`, sent. */
export interface DirectItem {
  readonly kind: "dm";
  readonly message: EventMap["dm"];
}

/**
 * The content of a message was removed.
 *
 * Removals have no position: those that happened while the client was away are told when it is back, and one may be told
 * more than once. A message that is read afterwards says so itself. Removals of direct messages name the lobby, and come
 * with those of the lobby's own.
 */
export interface RemovalItem {
  readonly kind: "removal";
  readonly roomId: string;
  readonly messageId: string;
  readonly removedBy: string;
  readonly reason: string | null;
}

/**
 * Iteration does not go on at the position before.
 *
 * With the reason `retention` what lies between is not kept any longer. With `epoch` the server has another database, for
 * instance one that was restored from a backup: iteration goes on with what is said from now on, and what is stored is shown
 * by another iteration, from before `oldest`.
 */
export interface ResetItem {
  readonly kind: "reset";
  readonly reset: Reset;
}

export type RoomItem = MessageItem | RemovalItem | ResetItem;
export type DirectStreamItem = DirectItem | RemovalItem | ResetItem;
type AnyItem = RoomItem | DirectStreamItem;

/** Keeps what was not yet asked for, up to `capacity` messages and as many removals. */
export class BufferedReader extends Reader {
  readonly isForHandlers = false;
  /** Resolves when the server follows, and when it never will. */
  readonly followed: Promise<void>;
  readonly #capacity: number;
  #items: { item: AnyItem; position: Position | null }[] = [];
  #waitsToDrain = false;
  #ending: { error: unknown } | null = null;
  #wakeUp: (() => void) | null = null;
  #markFollowed: () => void = () => {};

  constructor(since: Position | null, capacity: number) {
    super(since);
    this.#capacity = capacity;
    this.followed = new Promise((resolve) => {
      this.#markFollowed = resolve;
    });
  }

  get isFull(): boolean {
    return this.#waitsToDrain;
  }

  override answered(): void {
    super.answered();
    this.#markFollowed();
  }

  take(event: StreamEvent, params: unknown, position: Position): void {
    this.#append(itemOf(event, params), position);
    // What does not fit is followed again once the buffer is empty: no gap, and no more memory than this.
    this.#waitsToDrain = this.#items.length >= this.#capacity;
  }

  /** Takes note of a removal; false when there is no room for it. */
  takeRemoval(params: EventMap["message.removed"]): boolean {
    if (this.#items.length >= 2 * this.#capacity) {
      return false;
    }
    this.#append({ kind: "removal", ...params }, null);
    return true;
  }

  fail(error: unknown): void {
    this.end(error);
  }

  /** Nothing more comes; what is here can still be read, then comes `error` if there is one. */
  end(error?: unknown): void {
    this.#ending ??= { error };
    this.#markFollowed();
    this.#wakeUp?.();
  }

  /** The next item; null at the end. `drained` is called when there is room again. */
  async nextItem(drained: () => void): Promise<AnyItem | null> {
    for (;;) {
      const first = this.#items.shift();
      if (first !== undefined) {
        this.done = first.position ?? this.done;
        return first.item;
      }
      if (this.#waitsToDrain) {
        this.#waitsToDrain = false;
        drained();
      }
      if (this.#ending !== null) {
        const { error } = this.#ending;
        this.#ending = { error: undefined };
        if (error !== undefined) {
          throw error;
        }
        return null;
      }
      await new Promise<void>((resolve) => {
        this.#wakeUp = resolve;
      });
    }
  }

  #append(item: AnyItem, position: Position | null): void {
    this.#items.push({ item, position });
    this.#wakeUp?.();
  }
}

/**
 * Everything of a room, or of the direct messages, from a position on: each message once and in order.
 *
 * Begins with the first item that is asked for, or with `begin`. Ends when the client is closed; rejects with what ended
 * the client otherwise, and with `RpcError` when the room may not be followed, or not any longer. Leaving the loop, or
 * `return`, ends it on this side. Items are asked for one at a time.
 */
export class Items<Item extends RoomItem | DirectStreamItem> implements AsyncIterableIterator<Item> {
  readonly #start: () => { reader: BufferedReader; stream: Stream };
  readonly #check: (stream: Stream) => void;
  #begun: { reader: BufferedReader; stream: Stream } | null = null;
  #closed = false;

  /** Made by `client.room` and `client.direct`. */
  constructor(start: () => { reader: BufferedReader; stream: Stream }, check: (stream: Stream) => void) {
    this.#start = start;
    this.#check = check;
  }

  /** The position of the last item handed out, from which `since` goes on; null before the server named one. */
  get position(): Position | null {
    return this.#begun?.reader.done ?? null;
  }

  /** Begins now instead of with the first item; resolves when the server follows, or will not, which `next` then tells. */
  async begin(): Promise<this> {
    await this.#reading().reader.followed;
    return this;
  }

  async next(): Promise<IteratorResult<Item, undefined>> {
    if (this.#closed) {
      return { done: true, value: undefined };
    }
    const { reader, stream } = this.#reading();
    const item = await reader.nextItem(() => this.#check(stream));
    return item === null ? { done: true, value: undefined } : { done: false, value: item as Item };
  }

  async return(): Promise<IteratorResult<Item, undefined>> {
    this.#closed = true;
    if (this.#begun !== null) {
      this.#begun.stream.remove(this.#begun.reader);
      this.#begun.reader.end();
    }
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #reading(): { reader: BufferedReader; stream: Stream } {
    this.#begun ??= this.#start();
    return this.#begun;
  }
}

function itemOf(event: StreamEvent, params: unknown): AnyItem {
  switch (event) {
    case "message":
      return { kind: "message", ...(params as EventMap["message"]) };
    case "dm":
      return { kind: "dm", message: params as EventMap["dm"] };
    case "reset":
      return { kind: "reset", reset: params as Reset };
  }
}
