/** One WebSocket and the JSON-RPC on it. */
import { ConnectionLostError, isObject, messageOf, RpcError } from "./errors.js";
/** How long an orderly close waits for the server to agree before the link is cut. */
const CLOSE_TIMEOUT_MS = 2_000;
/** One link to the server. It tells what happens and decides nothing. */
export class Connection {
    #socket;
    #listener;
    #pending = new Map();
    #nextId = 1;
    #ended = false;
    #failure = "";
    /** Events that came before `releaseEvents`; null from then on. The time that opening may take bounds them. */
    #heldEvents = [];
    #heardSomething = false;
    #timers;
    #closeTimer;
    constructor(url, openSocket, timers, listener) {
        this.#timers = timers;
        this.#listener = listener;
        this.#socket = openSocket(url);
        this.#socket.onopen = () => listener.opened();
        this.#socket.onmessage = ({ data }) => this.#receive(data);
        this.#socket.onerror = ({ message }) => {
            this.#failure = typeof message === "string" ? message : "";
        };
        this.#socket.onclose = ({ code, reason }) => this.#end({ code, reason: reason || this.#failure });
    }
    get hasEnded() {
        return this.#ended;
    }
    /**
     * Sends a request. The answer rejects with `RpcError`, or `ConnectionLostError` when the connection ends first.
     * `onResult` is given the result before any event that came after it is told.
     */
    send(method, params, onResult) {
        const id = this.#nextId++;
        const text = JSON.stringify({ jsonrpc: "2.0", id, method, params });
        const answer = new Promise((resolve, reject) => {
            this.#pending.set(id, { onResult, resolve, reject });
        });
        this.#socket.send(text);
        return { answer, forget: () => this.#pending.delete(id) };
    }
    /** Hands on the events held so far, and from now on every event as it comes. */
    releaseEvents() {
        const held = this.#heldEvents ?? [];
        this.#heldEvents = null;
        for (const { name, params } of held) {
            this.#listener.event(name, params);
        }
    }
    /** Whether anything came since the last time this was asked. */
    takeSignOfLife() {
        const heard = this.#heardSomething;
        this.#heardSomething = false;
        return heard;
    }
    /** Begins an orderly close; `ended` follows when the server has agreed, and after two seconds in any case. */
    close() {
        if (this.#ended) {
            return;
        }
        this.#timers.clearTimeout(this.#closeTimer);
        this.#closeTimer = this.#timers.setTimeout(() => this.abandon("the server did not agree to close"), CLOSE_TIMEOUT_MS);
        this.#socket.close(1000);
    }
    /** Gives the link up at once, whatever the server does. */
    abandon(reason) {
        this.#end({ code: 1006, reason });
        if (this.#socket.terminate !== undefined) {
            this.#socket.terminate();
        }
        else {
            this.#socket.close();
        }
    }
    #end(ending) {
        if (this.#ended) {
            return;
        }
        this.#ended = true;
        this.#timers.clearTimeout(this.#closeTimer);
        const why = ending.reason === "" ? `code ${ending.code}` : `code ${ending.code}, ${ending.reason}`;
        for (const { reject } of this.#pending.values()) {
            reject(new ConnectionLostError(`the connection ended before the answer came (${why}): the outcome is unknown`));
        }
        this.#pending.clear();
        this.#listener.ended(ending);
    }
    #receive(data) {
        if (this.#ended) {
            return;
        }
        this.#heardSomething = true;
        let frame;
        try {
            frame = JSON.parse(String(data));
        }
        catch (error) {
            this.#listener.nonsense(new Error(`the server sent a frame that is not JSON: ${messageOf(error)}`));
            return;
        }
        this.#take(frame);
    }
    #take(frame) {
        if (!isObject(frame)) {
            this.#listener.nonsense(new Error("the server sent a frame that is no object"));
        }
        else if (typeof frame["method"] === "string") {
            this.#takeEvent(frame["method"], frame["params"]);
        }
        else if (typeof frame["id"] === "number") {
            this.#takeAnswer(frame["id"], frame);
        }
        else {
            const { message } = errorOf(frame["error"]);
            this.#listener.nonsense(new Error(`the server sent an answer to no request: ${message}`));
        }
    }
    #takeEvent(name, params) {
        if (this.#heldEvents === null) {
            this.#listener.event(name, params);
        }
        else {
            this.#heldEvents.push({ name, params });
        }
    }
    #takeAnswer(id, frame) {
        const pending = this.#pending.get(id);
        // An answer nobody waits for is late: its request has timed out.
        if (pending === undefined) {
            return;
        }
        this.#pending.delete(id);
        if (frame["error"] === undefined) {
            pending.onResult?.(frame["result"]);
            pending.resolve(frame["result"]);
        }
        else {
            pending.reject(errorOf(frame["error"]));
        }
    }
}
/** The error that an error object of the protocol stands for. */
export function errorOf(error) {
    if (!isObject(error)) {
        return new RpcError(0, "the server gave no reason");
    }
    const { code, message, data } = error;
    return new RpcError(typeof code === "number" ? code : 0, typeof message === "string" ? message : "", data);
}
