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
            queues.set(handler, new HandlerQueue(handler, (error) => this.#report(error, name)));
        }
    }
    /** Removes a handler; events that wait for it are dropped. */
    remove(name, handler) {
        const queues = this.#queues.get(name);
        queues?.get(handler)?.stop();
        queues?.delete(handler);
    }
    /** Hands on an event that the server sent. */
    deliver(name, params) {
        if (!name.startsWith(OWN_PREFIX)) {
            this.#emit(name, params);
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
    }
    #emit(name, params) {
        // A copy, because handlers may add and remove handlers.
        for (const queue of [...(this.#queues.get(name)?.values() ?? [])]) {
            queue.push(params);
        }
    }
}
/** One handler and the events that wait until it has finished with an earlier one. */
class HandlerQueue {
    #handler;
    #report;
    #waiting = [];
    #busy = false;
    #overflowed = false;
    #stopped = false;
    constructor(handler, report) {
        this.#handler = handler;
        this.#report = report;
    }
    push(params) {
        if (this.#stopped) {
            return;
        }
        if (this.#waiting.length < MAX_WAITING) {
            this.#waiting.push(params);
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
        this.clear();
    }
    #drain() {
        this.#busy = true;
        while (this.#waiting.length > 0) {
            const outcome = this.#run(this.#waiting.shift());
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
