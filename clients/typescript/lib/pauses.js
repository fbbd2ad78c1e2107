/** Waits that end with the client. */
/** Waits of one client; `endAll` leaves no timer behind. */
export class Pauses {
    #timers;
    #running = new Map();
    constructor(timers) {
        this.#timers = timers;
    }
    /** Waits; true when the time is over, false when `endAll` ended the wait before. */
    wait(delayMs) {
        return new Promise((resolve) => {
            const timer = this.#timers.setTimeout(() => {
                this.#running.delete(timer);
                resolve(true);
            }, delayMs);
            this.#running.set(timer, resolve);
        });
    }
    endAll() {
        for (const [timer, resolve] of this.#running) {
            this.#timers.clearTimeout(timer);
            resolve(false);
        }
        this.#running.clear();
    }
}
