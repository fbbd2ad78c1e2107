/** Iterating over a room or over direct messages: `for await (const item of client.room(roomId))`. */
import { Reader } from "./streams.js";
/** Keeps what was not yet asked for, up to `capacity` messages and as many removals. */
export class BufferedReader extends Reader {
    isForHandlers = false;
    /** Resolves when the server follows, and when it never will. */
    followed;
    #capacity;
    #items = [];
    #waitsToDrain = false;
    #ending = null;
    #wakeUp = null;
    #markFollowed = () => { };
    constructor(since, capacity) {
        super(since);
        this.#capacity = capacity;
        this.followed = new Promise((resolve) => {
            this.#markFollowed = resolve;
        });
    }
    get isFull() {
        return this.#waitsToDrain;
    }
    answered() {
        super.answered();
        this.#markFollowed();
    }
    take(event, params, position) {
        this.#append(itemOf(event, params), position);
        // What does not fit is followed again once the buffer is empty: no gap, and no more memory than this.
        this.#waitsToDrain = this.#items.length >= this.#capacity;
    }
    /** Takes note of a removal; false when there is no room for it. */
    takeRemoval(params) {
        if (this.#items.length >= 2 * this.#capacity) {
            return false;
        }
        this.#append({ kind: "removal", ...params }, null);
        return true;
    }
    fail(error) {
        this.end(error);
    }
    /** Nothing more comes; what is here can still be read, then comes `error` if there is one. */
    end(error) {
        this.#ending ??= { error };
        this.#markFollowed();
        this.#wakeUp?.();
    }
    /** The next item; null at the end. `drained` is called when there is room again. */
    async nextItem(drained) {
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
            await new Promise((resolve) => {
                this.#wakeUp = resolve;
            });
        }
    }
    #append(item, position) {
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
export class Items {
    #start;
    #check;
    #begun = null;
    #closed = false;
    /** Made by `client.room` and `client.direct`. */
    constructor(start, check) {
        this.#start = start;
        this.#check = check;
    }
    /** The position of the last item handed out, from which `since` goes on; null before the server named one. */
    get position() {
        return this.#begun?.reader.done ?? null;
    }
    /** Begins now instead of with the first item; resolves when the server follows, or will not, which `next` then tells. */
    async begin() {
        await this.#reading().reader.followed;
        return this;
    }
    async next() {
        if (this.#closed) {
            return { done: true, value: undefined };
        }
        const { reader, stream } = this.#reading();
        const item = await reader.nextItem(() => this.#check(stream));
        return item === null ? { done: true, value: undefined } : { done: false, value: item };
    }
    async return() {
        this.#closed = true;
        if (this.#begun !== null) {
            this.#begun.stream.remove(this.#begun.reader);
            this.#begun.reader.end();
        }
        return { done: true, value: undefined };
    }
    [Symbol.asyncIterator]() {
        return this;
    }
    #reading() {
        this.#begun ??= this.#start();
        return this.#begun;
    }
}
function itemOf(event, params) {
    switch (event) {
        case "message":
            return { kind: "message", ...params };
        case "dm":
            return { kind: "dm", message: params };
        case "reset":
            return { kind: "reset", reset: params };
    }
}
