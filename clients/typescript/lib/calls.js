/** Calls under way: sent, or waiting for a connection to be sent on. */
import { NotConnectedError, RequestTimeoutError, WardroomError } from "./errors.js";
/** Calls under way at once. One more is refused, because a program that far ahead of the server will not catch up. */
const MAX_CALLS = 10_000;
/** Keeps the calls of a client until they are answered, lost or too late. */
export class Calls {
    #timers;
    #waiting = new Set();
    #count = 0;
    constructor(timers) {
        this.#timers = timers;
    }
    /** Starts a call: sends it on `connection`, or keeps it for `sendWaiting` when that is null. */
    start(method, params, timeoutMs, connection, onResult) {
        if (this.#count >= MAX_CALLS) {
            return Promise.reject(new NotConnectedError(`\`${method}\` was not sent: ${MAX_CALLS} calls are under way`));
        }
        this.#count += 1;
        return new Promise((resolve, reject) => {
            const call = new Call(method, params, onResult, resolve, reject);
            const timer = this.#timers.setTimeout(() => {
                this.#waiting.delete(call);
                call.expire(timeoutMs);
            }, timeoutMs);
            call.whenSettled = () => {
                this.#count -= 1;
                this.#timers.clearTimeout(timer);
            };
            if (connection === null) {
                this.#waiting.add(call);
            }
            else {
                call.send(connection);
            }
        });
    }
    /** Sends what has waited for a connection, in the order of the calls. */
    sendWaiting(connection) {
        const waiting = [...this.#waiting];
        this.#waiting.clear();
        for (const call of waiting) {
            call.send(connection);
        }
    }
    /** Fails what waits for a connection that will not come. */
    failWaiting(error) {
        const waiting = [...this.#waiting];
        this.#waiting.clear();
        for (const call of waiting) {
            call.settle(() => call.reject(error));
        }
    }
}
class Call {
    method;
    params;
    onResult;
    resolve;
    reject;
    whenSettled = () => { };
    #sent = null;
    #settled = false;
    constructor(method, params, onResult, resolve, reject) {
        this.method = method;
        this.params = params;
        this.onResult = onResult;
        this.resolve = resolve;
        this.reject = reject;
    }
    send(connection) {
        try {
            this.#sent = connection.send(this.method, this.params, this.onResult);
        }
        catch (error) {
            this.settle(() => this.reject(error));
            return;
        }
        this.#sent.answer.then((result) => this.settle(() => this.resolve(result)), (error) => this.settle(() => this.reject(error)));
    }
    expire(timeoutMs) {
        this.#sent?.forget();
        const error = this.#sent === null
            ? new NotConnectedError(`\`${this.method}\` was not sent: no connection within ${timeoutMs} ms`)
            : new RequestTimeoutError(`no answer to \`${this.method}\` within ${timeoutMs} ms: the outcome is unknown`);
        this.settle(() => this.reject(error));
    }
    settle(how) {
        if (!this.#settled) {
            this.#settled = true;
            this.whenSettled();
            how();
        }
    }
}
