/** The local bridge: a place in rooms for agents that can make one request at a time. */
import { BridgeError, BridgeUnreachableError, isObject, messageOf, ProtocolError } from "./errors.js";
import { environment, host } from "./host.js";
/** Where a bridge listens unless it is told otherwise. */
export const DEFAULT_BRIDGE_URL = "http://127.0.0.1:7654";
/** Seconds for which a bridge lets a request wait at most. */
const LONGEST_WAIT = 120;
/**
 * An agent at a local bridge (`wardroom bridge`), which keeps links to peers and seats in hub rooms for it.
 *
 * Every call is one HTTP request; nothing is kept open in between. What the bridge has for the agent stays there, on the
 * disk, until the agent took it. The bridge serves no web pages, so this works in Node and not in a browser.
 */
export class Bridge {
    #url;
    #agent;
    #token;
    #timeoutMs;
    #room;
    /** Throws `TypeError` when the address is not one of HTTP. */
    constructor(options = {}) {
        const url = options.url ?? DEFAULT_BRIDGE_URL;
        if (!/^http:\/\/[^/]/.test(url)) {
            throw new TypeError(`\`${url}\` is not the address of a bridge, such as ${DEFAULT_BRIDGE_URL}`);
        }
        this.#url = url.replace(/\/+$/, "");
        this.#agent = options.agent ?? environment("AGENTLINK_AGENT_ID");
        this.#room = options.room;
        this.#token = options.token;
        this.#timeoutMs = options.timeoutMs ?? 30_000;
    }
    /**
     * Has the bridge enter a room, and registers the agent there.
     *
     * `room` is a P2P room, or with `hub` (the WebSocket address of a wardroom server) a room of that hub; without one, a new
     * P2P room is made. `keyFile` holds the agent's key for the hub, and the bridge reads it. Later calls are about this
     * room, unless they name another.
     */
    async connect(options = {}) {
        const { room, hub, keyFile } = options;
        const answer = await this.#post("/connect", { roomId: room, agentId: this.#agent, hub, keyFile });
        this.#room = answer.roomId;
        return answer;
    }
    /** Says something. */
    sendChat(content, options = {}) {
        return this.#send("chat", { content, replyTo: options.replyTo }, options);
    }
    /** Asks for something to be done; `tasks` tells what became of it. */
    sendTask(description, data = null, options = {}) {
        return this.#send("task", { description, data }, options);
    }
    /** Answers the task `replyTo`. */
    sendResult(data, replyTo, options = {}) {
        return this.#send("result", { data, replyTo }, options);
    }
    /** Asks something. */
    sendQuery(question, options = {}) {
        return this.#send("query", { question }, options);
    }
    /** Sends a text as a file. */
    sendFile(name, content, options = {}) {
        return this.#send("file", { name, content }, options);
    }
    /** Sends what has no call of its own: `body` goes to `/send` as it is. */
    send(body) {
        return this.#post("/send", body);
    }
    /**
     * Takes what waits for the agent: what is urgent first, at most `limit` (0: all).
     *
     * Waits up to `wait` seconds (at most 120) while there is nothing. A call that `signal` aborts takes nothing: the bridge
     * keeps what it could not hand over.
     */
    receive(options = {}) {
        const { wait = 0, limit = 0, signal } = options;
        const query = { wait, limit, agent: this.#agent, room: options.room ?? this.#room };
        const longest = this.#timeoutMs + 1000 * Math.min(Math.max(wait, 0), LONGEST_WAIT);
        return this.#get("/recv", query, longest, signal);
    }
    /** Every message for the agent, as it comes, until the caller stops asking. */
    async *messages(options = {}) {
        for (;;) {
            yield* await this.receive({ ...options, wait: 30 });
        }
    }
    /** Everything that ever came in for the room; takes nothing. */
    history(options = {}) {
        return this.#get("/recv", { all: 1, room: options.room ?? this.#room });
    }
    /** How it stands with a room's link. */
    status(options = {}) {
        return this.#get("/status", { room: options.room ?? this.#room });
    }
    /** All rooms of the bridge. */
    rooms() {
        return this.#get("/rooms", {});
    }
    /** The tasks that were sent to a room, all or those in one state. */
    tasks(options = {}) {
        return this.#get("/tasks", { room: options.room ?? this.#room, state: options.state });
    }
    /** Changes what this side allows; what holds is the more restrictive of both sides. */
    async setPermission(level, options = {}) {
        await this.#post("/perm", { roomId: options.room ?? this.#room, level });
    }
    /** Leaves a room for good. */
    async closeRoom(options = {}) {
        const roomId = options.room ?? this.#room;
        if (roomId === undefined) {
            throw new TypeError("no room is named, and `connect` was not called: without one, all would be closed");
        }
        await this.#post("/close", { roomId });
    }
    #send(type, fields, options) {
        const roomId = options.room ?? this.#room;
        return this.send({ roomId, agentId: this.#agent, type, ...fields, priority: options.priority ?? "normal" });
    }
    #post(path, body) {
        return this.#exchange("POST", path, JSON.stringify(body), this.#timeoutMs, undefined);
    }
    #get(path, query, timeoutMs = this.#timeoutMs, signal) {
        const given = Object.entries(query).flatMap(([name, value]) => value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`]);
        return this.#exchange("GET", `${path}?${given.join("&")}`, undefined, timeoutMs, signal);
    }
    async #exchange(method, target, body, timeoutMs, signal) {
        const headers = { "Content-Type": "application/json" };
        if (this.#token !== undefined) {
            headers["Authorization"] = `Bearer ${this.#token}`;
        }
        const { AbortSignal } = host;
        const timeout = AbortSignal.timeout(timeoutMs);
        const until = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
        let status;
        let text;
        try {
            const answer = await host.fetch(this.#url + target, { method, headers, body, signal: until });
            [status, text] = [answer.status, await answer.text()];
        }
        catch (cause) {
            if (isObject(signal) && signal["aborted"] === true) {
                throw signal["reason"];
            }
            const advice = "start one with `wardroom bridge`";
            throw new BridgeUnreachableError(`no bridge answers at ${this.#url} (${messageOf(cause)}); ${advice}`, cause);
        }
        const answer = parsed(text);
        if (status !== 200) {
            throw BridgeError.of(status, answer);
        }
        if (answer === undefined) {
            throw new ProtocolError("the bridge answered something that is not JSON");
        }
        return answer;
    }
}
function parsed(text) {
    try {
        return JSON.parse(text);
    }
    catch {
        return undefined;
    }
}
