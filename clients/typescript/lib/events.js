/** Events and their handlers. */
/** Events that wait for one slow handler. At the bound the newest are dropped for this handler, which is reported. */
const MAX_WAITING = 10_000;
/** Names of the client's own events, which no server can send. */
const OWN_PREFIX = "connection.";
/**
 * Hands events to handlers, in order.
 *
 * Each handler gets its events one at a time; handlers do not wait for each other, so one may wait for what another
 * is about to see.
 */
export class Handlers {
    /** Called when `isFull` is not true any longer. */
    whenRoom = () => { };
    #wasFull = false;
    #queues = new Map();
    #report;
    constructor(report) {
        this.#report = report;
    }
    /** Adds a handler. Adding the same one to the same event again changes nothing. */
    add(name, handler) {
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
    remove(name, handler) {
        const queues = this.#queues.get(name);
        queues?.get(handler)?.stop();
        queues?.delete(handler);
    }
    has(name) {
        return (this.#queues.get(name)?.size ?? 0) > 0;
    }
    /** Whether some handler would miss the next event; `whenRoom` is called when each has caught up. */
    get isFull() {
        this.#wasFull ||= this.#most() >= MAX_WAITING;
        return this.#wasFull;
    }
    /** Hands on an event that the server sent; `whenHandled` is called when the last of its handlers begins with it. */
    deliver(name, params, whenHandled) {
        if (!name.startsWith(OWN_PREFIX)) {
            this.#emit(name, params, whenHandled);
        }
    }
    /** Hands on an event of the client itself. */
    announce(name, params) {
        this.#emit(name, params);
    }
    /** Drops every event that still waits. */
    clear() {
        for (const queues of this.#queues.values()) {
            for (const queue of queues.values()) {
                queue.clear();
            }
        }
        this.#wasFull = false;
    }
    #emit(name, params, whenHandled = () => { }) {
        // A copy, because handlers may add and remove handlers.
        const queues = [...(this.#queues.get(name)?.values() ?? [])];
        let left = queues.length;
        if (left === 0) {
            whenHandled();
        }
        const begun = () => {
            left -= 1;
            if (left === 0) {
                whenHandled();
            }
        };
        for (const queue of queues) {
            queue.push(params, begun);
        }
    }
    #most() {
        let most = 0;
        for (const queues of this.#queues.values()) {
            for (const queue of queues.values()) {
                most = Math.max(most, queue.length);
            }
        }
        return most;
    }
    #progressed() {
        if (this.#wasFull && 2 * this.#most() <= MAX_WAITING) {
            this.#wasFull = false;
            this.whenRoom();
        }
    }
}
/** One handler and the events that wait until it has finished with an earlier one. */
class HandlerQueue {
    #handler;
    #report;
    #progressed;
    #waiting = [];
    #busy = false;
    #overflowed = false;
    #stopped = false;
    constructor(handler, report, progressed) {
        this.#handler = handler;
        this.#report = report;
        this.#progressed = progressed;
    }
    /** Events that wait. */
    get length() {
        return this.#waiting.length;
    }
    push(params, begun) {
        if (this.#stopped) {
            begun();
            return;
        }
        if (this.#waiting.length < MAX_WAITING) {
            this.#waiting.push({ params, begun });
        }
        else if (!this.#overflowed) {
            this.#overflowed = true;
            this.#report(new Error(`the handler is too slow: ${MAX_WAITING} events wait for it, newer ones are dropped`));
        }
        if (!this.#busy) {
            this.#drain();
        }
    }
    clear() {
        this.#waiting = [];
    }
    /** Ends the queue for good: the handler was removed. */
    stop() {
        this.#stopped = true;
        const waiting = this.#waiting;
        this.clear();
        for (const { begun } of waiting) {
            begun();
        }
        this.#progressed();
    }
    #drain() {
        this.#busy = true;
        for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
            next.begun();
            this.#progressed();
            const outcome = this.#run(next.params);
            if (isThenable(outcome)) {
                Promise.resolve(outcome)
                    .catch((error) => this.#report(error))
                    .finally(() => this.#drain());
                return;
            }
        }
        this.#busy = false;
        this.#overflowed = false;
    }
    #run(params) {
        try {
            return this.#handler(params);
        }
        catch (error) {
            this.#report(error);
            return undefined;
        }
    }
}
function isThenable(value) {
    return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
