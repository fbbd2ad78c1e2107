/** Events and their handlers. */

import type { Session } from "./agent_types.js";
import type { Reset } from "./position_types.js";
import type { Task, TaskSummary } from "./task_types.js";
import type { DocumentVersion, Message, MessageType, Visibility } from "./types.js";

/** Every event by name, with what its handlers are given. */
export interface EventMap {
  presence: { agentId: string; displayName: string; online: boolean };
  "agent.renamed": { agentId: string; displayName: string; previousName: string };
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
    /** Position among the direct messages that this agent sent and got. */
    seq?: number;
    /** Present when this agent sent the message, which only those who follow are shown. */
    toAgentId?: string;
    /** Present when the message was removed; its content is then `[removed]`. */
    removed?: true;
  };
  /** What is followed goes on behind a gap. */
  reset: Reset;
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
  /** Somebody says that it has read a message that was sent with `wantRead`. */
  "message.read": { messageId: string; roomId: string; agentId: string; displayName: string; readAt: number };
  "task.created": { task: Task };
  /** The task as it is now, without its description and data. */
  "task.updated": { task: TaskSummary };
  "lobby.motd": { content: string | null; setBy: string; setByName: string };
  "docs.updated": { name: string; version: DocumentVersion; updatedBy: string };
  /** This agent was removed from a room; the connection stays. */
  kicked: { roomId: string; reason: string | null };
  /** The server is about to close the connection. */
  disconnected: { reason: string };

  /** Of the client itself: connected and authenticated, for the first time or again. */
  "connection.opened": { session: Session; reconnected: boolean };
  /** Of the client itself: the connection dropped, or a try to get it back failed; the next follows in `retryInMs`. */
  "connection.lost": {
    code: number;
    reason: string;
    retryInMs: number;
    /**
     * The agent had too many sessions, and this was its oldest: others use its key. The client waits longest before it
     * comes back, because coming back ends the session of another.
     */
    replaced?: true;
  };
  /** Of the client itself: the connection is gone and the client does not try again. */
  "connection.ended": { code: number; reason: string };
  /** Of the client itself: a room, or direct messages (null), cannot be followed for handlers any longer. */
  "connection.unfollowed": { roomId: string | null; error: unknown };
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
  /** Called when `isFull` is not true any longer. */
  whenRoom: () => void = () => {};
  #wasFull = false;
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
      queues.set(handler, new HandlerQueue(handler, (error) => this.#report(error, name), () => this.#progressed()));
    }
  }

  /** Removes a handler; events that wait for it are dropped. */
  remove(name: string, handler: AnyHandler): void {
    const queues = this.#queues.get(name);
    queues?.get(handler)?.stop();
    queues?.delete(handler);
  }

  has(name: string): boolean {
    return (this.#queues.get(name)?.size ?? 0) > 0;
  }

  /** Whether some handler would miss the next event; `whenRoom` is called when each has caught up. */
  get isFull(): boolean {
    this.#wasFull ||= this.#most() >= MAX_WAITING;
    return this.#wasFull;
  }

  /** Hands on an event that the server sent; `whenHandled` is called when the last of its handlers begins with it. */
  deliver(name: string, params: unknown, whenHandled?: () => void): void {
    if (!name.startsWith(OWN_PREFIX)) {
      this.#emit(name, params, whenHandled);
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
    this.#wasFull = false;
  }

  #emit(name: string, params: unknown, whenHandled: () => void = () => {}): void {
    // A copy, because handlers may add and remove handlers.
    const queues = [...(this.#queues.get(name)?.values() ?? [])];
    let left = queues.length;
    if (left === 0) {
      whenHandled();
    }
    const begun = (): void => {
      left -= 1;
      if (left === 0) {
        whenHandled();
      }
    };
    for (const queue of queues) {
      queue.push(params, begun);
    }
  }

  #most(): number {
    let most = 0;
    for (const queues of this.#queues.values()) {
      for (const queue of queues.values()) {
        most = Math.max(most, queue.length);
      }
    }
    return most;
  }

  #progressed(): void {
    if (this.#wasFull && 2 * this.#most() <= MAX_WAITING) {
      this.#wasFull = false;
      this.whenRoom();
    }
  }
}

/** One handler and the events that wait until it has finished with an earlier one. */
class HandlerQueue {
  readonly #handler: (params: unknown) => unknown;
  readonly #report: (error: unknown) => void;
  readonly #progressed: () => void;
  #waiting: { params: unknown; begun: () => void }[] = [];
  #busy = false;
  #overflowed = false;
  #stopped = false;

  constructor(handler: AnyHandler, report: (error: unknown) => void, progressed: () => void) {
    this.#handler = handler as (params: unknown) => unknown;
    this.#report = report;
    this.#progressed = progressed;
  }

  /** Events that wait. */
  get length(): number {
    return this.#waiting.length;
  }

  push(params: unknown, begun: () => void): void {
    if (this.#stopped) {
      begun();
      return;
    }
    if (this.#waiting.length < MAX_WAITING) {
      this.#waiting.push({ params, begun });
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
    const waiting = this.#waiting;
    this.clear();
    for (const { begun } of waiting) {
      begun();
    }
    this.#progressed();
  }

  #drain(): void {
    this.#busy = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      next.begun();
      this.#progressed();
      const outcome = this.#run(next.params);
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
