/** Events and their handlers. */

import type { DocumentVersion, Message, MessageType, Session, Task, Visibility } from "./types.js";

/** Every event by name, with what its handlers are given. */
export interface EventMap {
  presence: { agentId: string; displayName: string; online: boolean };
  message: { roomId: string; message: Message };
  dm: {
    fromAgentId: string;
    fromDisplayName: string;
    content: string;
    /** Left out for talk. */
    type?: Exclude<MessageType, "chat">;
    data?: unknown;
    replyTo?: string;
    messageId: string;
    timestamp: number;
  };
  "room.created": { roomId: string; name: string; ownerId: string; visibility: Visibility };
  "room.joined": { roomId: string; agentId: string; displayName: string };
  "room.left": { roomId: string; agentId: string };
  "room.invited": { roomId: string; name: string; byAgentId: string; byDisplayName: string };
  "room.deleted": { roomId: string };
  "room.visibilityChanged": { roomId: string; visibility: Visibility };
  "room.ownerChanged": { roomId: string; newOwnerId: string; previousOwnerId: string };
  "room.updated": { roomId: string; name: string; description: string | null };
  /** Nobody may speak in the room until it is resumed; `pausedBy` is null when the server did it. */
  "room.paused": { roomId: string; since: number; reason: string | null; pausedBy: string | null };
  "room.resumed": { roomId: string; resumedBy: string };
  "message.removed": { messageId: string; roomId: string; removedBy: string; reason: string | null };
  "task.created": { task: Task };
  /** The task as it is now. */
  "task.updated": { task: Task };
  "lobby.motd": { content: string | null; setBy: string; setByName: string };
  "docs.updated": { name: string; version: DocumentVersion; updatedBy: string };
  /** This agent was removed from a room; the connection stays. */
  kicked: { roomId: string; reason: string | null };
  /** The server is about to close the connection. */
  disconnected: { reason: string };

  /** Of the client itself: connected and authenticated, for the first time or again. */
  "connection.opened": { session: Session; reconnected: boolean };
  /** Of the client itself: the connection dropped, or a try to get it back failed; the next follows in `retryInMs`. */
  "connection.lost": { code: number; reason: string; retryInMs: number };
  /** Of the client itself: the connection is gone and the client does not try again. */
  "connection.ended": { code: number; reason: string };
}

export type EventName = keyof EventMap;

/** A handler; when it returns a promise, its next event waits for that promise. */
export type Handler<Name extends EventName> = (params: EventMap[Name]) => unknown;

/** Events that wait for one slow handler. At the bound the newest are dropped for this handler, which is reported. */
const MAX_WAITING = 10_000;

/** Names of the client's own events, which no server can send. */
const OWN_PREFIX = "connection.";

type AnyHandler = (params: never) => unknown;
type Report = (error: unknown, eventName: string) => void;

/**
 * Hands events to handlers, in order.
 *
 * Each handler gets its events one at a time; handlers do not wait for each other, so one may wait for what another
 * is about to see.
 */
export class Handlers {
  readonly #queues = new Map<string, Map<AnyHandler, HandlerQueue>>();
  readonly #report: Report;

  constructor(report: Report) {
    this.#report = report;
  }

  /** Adds a handler. Adding the same one to the same event again changes nothing. */
  add(name: string, handler: AnyHandler): void {
    let queues = this.#queues.get(name);
    if (queues === undefined) {
      queues = new Map();
      this.#queues.set(name, queues);
    }
    if (!queues.has(handler)) {
      queues.set(handler, new HandlerQueue(handler, (error) => this.#report(error, name)));
    }
  }

  /** Removes a handler; events that wait for it are dropped. */
  remove(name: string, handler: AnyHandler): void {
    const queues = this.#queues.get(name);
    queues?.get(handler)?.stop();
    queues?.delete(handler);
  }

  /** Hands on an event that the server sent. */
  deliver(name: string, params: unknown): void {
    if (!name.startsWith(OWN_PREFIX)) {
      this.#emit(name, params);
    }
  }

  /** Hands on an event of the client itself. */
  announce<Name extends EventName & `connection.${string}`>(name: Name, params: EventMap[Name]): void {
    this.#emit(name, params);
  }

  /** Drops every event that still waits. */
  clear(): void {
    for (const queues of this.#queues.values()) {
      for (const queue of queues.values()) {
        queue.clear();
      }
    }
  }

  #emit(name: string, params: unknown): void {
    // A copy, because handlers may add and remove handlers.
    for (const queue of [...(this.#queues.get(name)?.values() ?? [])]) {
      queue.push(params);
    }
  }
}

/** One handler and the events that wait until it has finished with an earlier one. */
class HandlerQueue {
  readonly #handler: (params: unknown) => unknown;
  readonly #report: (error: unknown) => void;
  #waiting: unknown[] = [];
  #busy = false;
  #overflowed = false;
  #stopped = false;

  constructor(handler: AnyHandler, report: (error: unknown) => void) {
    this.#handler = handler as (params: unknown) => unknown;
    this.#report = report;
  }

  push(params: unknown): void {
    if (this.#stopped) {
      return;
    }
    if (this.#waiting.length < MAX_WAITING) {
      this.#waiting.push(params);
    } else if (!this.#overflowed) {
      this.#overflowed = true;
      this.#report(new Error(`the handler is too slow: ${MAX_WAITING} events wait for it, newer ones are dropped`));
    }
    if (!this.#busy) {
      this.#drain();
    }
  }

  clear(): void {
    this.#waiting = [];
  }

  /** Ends the queue for good: the handler was removed. */
  stop(): void {
    this.#stopped = true;
    this.clear();
  }

  #drain(): void {
    this.#busy = true;
    while (this.#waiting.length > 0) {
      const outcome = this.#run(this.#waiting.shift());
      if (isThenable(outcome)) {
        Promise.resolve(outcome)
          .catch((error: unknown) => this.#report(error))
          .finally(() => this.#drain());
        return;
      }
    }
    this.#busy = false;
    this.#overflowed = false;
  }

  #run(params: unknown): unknown {
    try {
      return this.#handler(params);
    } catch (error) {
      this.#report(error);
      return undefined;
    }
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
