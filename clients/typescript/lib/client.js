/** The client: one session that survives lost connections. */
import { backoffMs, isFinalClose, isFinalError, isReplaced, retryAfterMs } from "./backoff.js";
import { Calls } from "./calls.js";
import { Connection } from "./connection.js";
import { ConnectionLostError, isObject, messageOf, NotConnectedError } from "./errors.js";
import { Handlers } from "./events.js";
import { Following } from "./following.js";
import { Heartbeat } from "./heartbeat.js";
import { socketOpener } from "./host.js";
import { Items } from "./iteration.js";
import { Methods } from "./methods.js";
import { Pauses } from "./pauses.js";
import { newKey, untilAnswered } from "./retry.js";
import { settle, shownUrl } from "./settings.js";
/** A connection that lasted this long counts as good again: the next loss starts with the shortest wait. */
const STABLE_AFTER_MS = 10_000;
/** As if so many tries had failed: the next wait is drawn from the whole range. */
const MANY_ATTEMPTS = 64;
/**
 * An agent's session with a server.
 *
 * After `connect` the client keeps the connection: when it drops, the client comes back with growing, random waits and
 * authenticates again; handlers stay. It stops when the key is refused or the agent is banned or revoked
 * (`connection.ended`). What was missed in between is made up for in rooms that are followed (`room`, `followRoom`), and
 * in `roomHistory` otherwise. Calls that were under way when the connection dropped reject with `ConnectionLostError`;
 * only messages and changes of tasks, which cannot happen twice, are sent again. Calls made while it is away wait for it, within their timeout.
 */
export class WardroomClient extends Methods {
    #settings;
    #handlers;
    #calls;
    #following;
    #pauses;
    #state = "idle";
    /** Grows with every `connect` and `close`, so that whatever an earlier one started can see that it is over. */
    #run = 0;
    #connection = null;
    #connectionEnded = Promise.resolve();
    #heartbeat = null;
    #connected = null;
    #settleConnected = null;
    #session = null;
    #motd = null;
    #attempt = 0;
    #retryTimer;
    #stableTimer;
    #farewell = "";
    #whyIdle;
    /** Throws `TypeError` when there is no api key or an option makes no sense. Connects only when asked to. */
    constructor(options = {}) {
        super();
        this.#settings = settle(options);
        this.#calls = new Calls(this.#settings.timers);
        this.#handlers = new Handlers((error, event) => this.#settings.report(error, { event }));
        this.#pauses = new Pauses(this.#settings.timers);
        this.#following = new Following(this.#handlers, this.#settings);
    }
    /** The name used in this session; null before the first connection unless one was asked for. */
    get displayName() {
        return this.#session?.displayName ?? this.#settings.displayName ?? null;
    }
    /** This agent's id; null before the first connection, as is everything below. */
    get agentId() {
        return this.#session?.agentId ?? null;
    }
    get role() {
        return this.#session?.role ?? null;
    }
    get isController() {
        return this.role === "controller";
    }
    get isParticipant() {
        return this.role === "participant";
    }
    /** The room that every agent is in. */
    get lobbyId() {
        return this.#session?.lobby.roomId ?? null;
    }
    /** The message of the day, kept up to date; null when there is none. */
    get motd() {
        return this.#motd;
    }
    /** The answer to the last `auth`. */
    get session() {
        return this.#session;
    }
    /**
     * Up to where handlers were called and items handed out, for everything that was followed.
     *
     * Kept, and given to the next client of the agent, it goes on where this one stopped. Read it when what was handed out
     * last is dealt with.
     */
    get positions() {
        return this.#following.positions;
    }
    /** Whether calls are sent at once. */
    get isConnected() {
        return this.#state === "open";
    }
    /**
     * Calls `handler` on every `name` from now on, in the order of the events.
     *
     * A handler gets one event at a time: when it returns a promise, its next event waits for that. A handler that fails
     * is reported to `onError` and called again for the next event.
     */
    on(name, handler) {
        this.#handlers.add(name, handler);
        return this;
    }
    /** Stops calling `handler` on `name`. */
    off(name, handler) {
        this.#handlers.remove(name, handler);
        return this;
    }
    /**
     * Connects and authenticates; resolves when events and calls flow.
     *
     * Rejects when this first try fails: with `RpcError` when the server refuses the key, `NotConnectedError` otherwise.
     * While the client reconnects by itself, this waits for that.
     */
    connect() {
        if (this.#connected !== null) {
            return this.#connected;
        }
        this.#run += 1;
        this.#attempt = 0;
        this.#state = "connecting";
        this.#following.begin();
        const connected = this.#expectConnected();
        void this.#try(this.#run);
        return connected;
    }
    /**
     * Ends the session; resolves when the connection is closed. No handler is called afterwards.
     *
     * Calls under way reject. `connect` begins anew, with the same handlers.
     */
    async close() {
        const connection = this.#connection;
        this.#becomeIdle(new NotConnectedError("the client was closed"), true);
        this.#handlers.clear();
        connection?.close();
        await this.#connectionEnded;
    }
    /**
     * Everything of a room after `since`, for `for await`: messages, one's own included, each once and in order, across lost
     * connections; removals; and resets, where it does not go on at the position before (`ResetItem`). Handlers go on as
     * before.
     */
    room(roomId, { since } = {}) {
        return this.#items(roomId, since);
    }
    /** The same for the direct messages that this agent sends and gets. */
    direct({ since } = {}) {
        return this.#items(null, since);
    }
    followRoom(roomId, { since } = {}) {
        return this.#following.follow(roomId, since, (since, onResult) => this.#request("room.follow", { roomId, since }, {}, onResult));
    }
    followDirect({ since } = {}) {
        return this.#following.follow(null, since, (since, onResult) => this.#request("message.followDirect", { since }, {}, onResult));
    }
    async leaveRoom(roomId) {
        const status = await super.leaveRoom(roomId);
        // Nobody is sent the events that he causes himself.
        this.#following.recheck(roomId);
        return status;
    }
    async deleteRoom(roomId) {
        const status = await super.deleteRoom(roomId);
        this.#following.recheck(roomId, true);
        return status;
    }
    send(method, params) {
        const { retryMs, requestTimeoutMs } = this.#settings;
        // A server that says no epoch knows no keys: sending again might have it done twice.
        if (retryMs === 0 || this.#session?.epoch === undefined) {
            return this.call(method, params);
        }
        const idempotencyKey = params.idempotencyKey ?? newKey();
        const kept = { ...params, idempotencyKey };
        const attempt = (leftMs) => this.call(method, kept, { timeoutMs: Math.min(leftMs, requestTimeoutMs) });
        return untilAnswered(attempt, idempotencyKey, () => this.#state === "idle", this.#pauses, this.#settings);
    }
    call(method, params, options = {}) {
        return this.#request(method, params, options);
    }
    #items(source, since) {
        const start = () => {
            if (this.#state === "idle") {
                throw new NotConnectedError("the client is not connected", this.#whyIdle);
            }
            if (typeof since !== "number") {
                return this.#following.read(source, since);
            }
            if (this.#session === null) {
                throw new NotConnectedError("`since` is a number of an epoch that is not known before the client is connected");
            }
            return this.#following.read(source, { epoch: this.#session.epoch ?? "", seq: since });
        };
        return new Items(start, (stream) => this.#following.check(stream));
    }
    async #request(method, params, options, onResult) {
        if (this.#state === "idle") {
            throw new NotConnectedError(`\`${method}\` was not sent: the client is not connected`, this.#whyIdle);
        }
        const connection = this.#state === "open" ? this.#connection : null;
        const timeoutMs = options.timeoutMs ?? this.#settings.requestTimeoutMs;
        return (await this.#calls.start(method, params, timeoutMs, connection, onResult));
    }
    async setMotd(content) {
        const status = await super.setMotd(content);
        // Nobody is sent the events that he causes himself.
        this.#motd = content === "" ? null : content;
        return status;
    }
    /** Tries once to get a session; on failure decides what comes next. */
    async #try(run) {
        try {
            const { connection, session } = await this.#establish(run);
            if (run === this.#run) {
                this.#opened(connection, session);
            }
        }
        catch (error) {
            if (run === this.#run) {
                this.#failed(error);
            }
        }
    }
    async #establish(run) {
        const { url, apiKey, displayName, connectTimeoutMs, timers } = this.#settings;
        const openSocket = await socketOpener();
        if (run !== this.#run) {
            throw new NotConnectedError("the client was closed");
        }
        this.#farewell = "";
        return await new Promise((resolve, reject) => {
            let markEnded = () => { };
            const ended = new Promise((resolveEnded) => {
                markEnded = resolveEnded;
            });
            const connection = new Connection(url, openSocket, timers, {
                opened: () => {
                    connection.send("auth", { apiKey, displayName, ...this.#following.resumeRequest() }).answer.then((session) => finish(() => resolve({ connection, session: session })), (error) => {
                        // The server may leave a refused connection open for another key; this client has only one.
                        finish(() => reject(error));
                        connection.close();
                    });
                },
                event: (name, params) => {
                    if (run === this.#run) {
                        this.#event(name, params);
                    }
                },
                ended: (ending) => {
                    finish(() => reject(this.#couldNotConnect(ending)));
                    this.#dropped(connection, ending);
                    markEnded();
                },
                nonsense: (error) => this.#settings.report(error, {}),
            });
            this.#connection = connection;
            this.#connectionEnded = ended;
            const timer = timers.setTimeout(() => {
                connection.abandon(`not open and authenticated within ${connectTimeoutMs} ms`);
            }, connectTimeoutMs);
            function finish(how) {
                timers.clearTimeout(timer);
                how();
            }
        });
    }
    #couldNotConnect({ code, reason }) {
        const why = reason === "" ? `closed with code ${code}` : reason;
        return new NotConnectedError(`no connection to \`${shownUrl(this.#settings.url)}\`: ${why}`);
    }
    #opened(connection, session) {
        const { heartbeatMs, timers } = this.#settings;
        const reconnected = this.#state === "reconnecting";
        this.#state = "open";
        this.#session = session;
        this.#motd = session.motd;
        this.#heartbeat = new Heartbeat(connection, heartbeatMs, timers);
        this.#stableTimer = timers.setTimeout(() => {
            this.#attempt = 0;
        }, STABLE_AFTER_MS);
        // What has waited goes first, before handlers can send anything newer.
        this.#calls.sendWaiting(connection);
        this.#settleConnected?.resolve(session);
        this.#settleConnected = null;
        this.#handlers.announce("connection.opened", { session, reconnected });
        if (connection !== this.#connection) {
            return; // A handler has closed the client.
        }
        this.#following.adopt(connection, session);
        connection.releaseEvents();
    }
    #failed(error) {
        if (this.#state === "connecting") {
            this.#becomeIdle(error);
        }
        else if (isFinalError(error)) {
            this.#giveUp({ code: error.code, reason: error.message }, error);
        }
        else {
            this.#retryLater({ code: 1006, reason: messageOf(error) }, retryAfterMs(error));
        }
    }
    /** A connection is gone: if it was the session's, the session comes back or is over. */
    #dropped(connection, { code, reason }) {
        if (connection !== this.#connection) {
            return;
        }
        this.#connection = null;
        if (this.#state !== "open") {
            return;
        }
        this.#stopWatching();
        const ending = { code, reason: reason || this.#farewell };
        if (isFinalClose(ending.code, ending.reason)) {
            this.#giveUp(ending, new ConnectionLostError(`the server ended the session: ${ending.reason}`));
            return;
        }
        this.#state = "reconnecting";
        // Nobody need wait for the new connection, so its failure is nobody's unhandled rejection.
        this.#expectConnected().catch(() => { });
        const replaced = isReplaced(ending.code, ending.reason);
        if (replaced) {
            this.#attempt = MANY_ATTEMPTS;
        }
        this.#retryLater(ending, 0, replaced);
    }
    #retryLater({ code, reason }, atLeastMs, replaced = false) {
        const { reconnectBaseMs, reconnectMaxMs, random, timers } = this.#settings;
        const retryInMs = Math.max(atLeastMs, backoffMs(this.#attempt, reconnectBaseMs, reconnectMaxMs, random));
        this.#attempt += 1;
        const run = this.#run;
        this.#retryTimer = timers.setTimeout(() => void this.#try(run), retryInMs);
        this.#handlers.announce("connection.lost", { code, reason, retryInMs, ...(replaced ? { replaced } : {}) });
    }
    #giveUp(ending, error) {
        this.#becomeIdle(error);
        this.#handlers.announce("connection.ended", ending);
    }
    /** Stops whatever goes on and fails whoever waits for a connection. */
    #becomeIdle(why, isClosed = false) {
        this.#run += 1;
        this.#state = "idle";
        this.#whyIdle = why;
        this.#connection = null;
        this.#stopWatching();
        this.#settings.timers.clearTimeout(this.#retryTimer);
        this.#pauses.endAll();
        this.#following.end(isClosed ? undefined : why);
        this.#calls.failWaiting(new NotConnectedError(`not sent: ${messageOf(why)}`, why));
        this.#settleConnected?.reject(why);
        this.#settleConnected = null;
        this.#connected = null;
    }
    #stopWatching() {
        this.#heartbeat?.stop();
        this.#heartbeat = null;
        this.#settings.timers.clearTimeout(this.#stableTimer);
    }
    #expectConnected() {
        this.#connected = new Promise((resolve, reject) => {
            this.#settleConnected = { resolve, reject };
        });
        return this.#connected;
    }
    #event(name, params) {
        if (isObject(params)) {
            if (name === "lobby.motd") {
                this.#motd = typeof params["content"] === "string" ? params["content"] : null;
            }
            else if (name === "disconnected" && typeof params["reason"] === "string") {
                this.#farewell = params["reason"];
            }
        }
        if (this.#following.take(name, params, this.agentId)) {
            this.#handlers.deliver(name, params);
        }
    }
}
