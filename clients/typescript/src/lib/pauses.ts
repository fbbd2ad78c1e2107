/** Waits that end with the client. */

import type { Timers } from "./settings.js";

/** Waits of one client; `endAll` leaves no timer behind. */
export class Pauses {
  readonly #timers: Timers;
  readonly #running = new Map<unknown, (isOver: boolean) => void>();

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Waits; true when the time is over, false when `endAll` ended the wait before. */
  wait(delayMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = this.#timers.setTimeout(() => {
        this.#running.delete(timer);
        resolve(true);
      }, delayMs);
      this.#running.set(timer, resolve);
    });
  }

  endAll(): void {
    for (const [timer, resolve] of this.#running) {
      this.#timers.clearTimeout(timer);
      resolve(false);
    }
    this.#running.clear();
  }
}
