/** Notices a dead link: browsers cannot ping, and a vanished server closes nothing. */
/** The cheapest call that every server answers. */
const PROBE = "docs.list";
/** Watches one connection until `stop`. Abandons it when a whole period passes in silence after a probe. */
export class Heartbeat {
    #connection;
    #periodMs;
    #timers;
    #timer;
    #probed = false;
    constructor(connection, periodMs, timers) {
        this.#connection = connection;
        this.#periodMs = periodMs;
        this.#timers = timers;
        if (periodMs > 0) {
            this.#wait();
        }
    }
    stop() {
        this.#timers.clearTimeout(this.#timer);
    }
    #wait() {
        this.#timer = this.#timers.setTimeout(() => this.#beat(), this.#periodMs);
    }
    #beat() {
        if (this.#connection.takeSignOfLife()) {
            this.#probed = false;
        }
        else if (this.#probed) {
            this.#connection.abandon(`no sign of life for ${2 * this.#periodMs} ms`);
            return;
        }
        else {
            this.#probed = true;
            // Any answer will do, an error included; that none came is seen above.
            this.#connection.send(PROBE, undefined).answer.catch(() => { });
        }
        this.#wait();
    }
}
