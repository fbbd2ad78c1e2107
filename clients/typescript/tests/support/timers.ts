import type { Timers } from "wardroom-client";
import { within } from "./waiting.js";

interface Timer {
  readonly callback: () => void;
  readonly delayMs: number;
}

/** Timers that run out when the test says so. */
export class ManualTimers implements Timers {
  readonly #armed = new Set<Timer>();
  readonly #watchers = new Set<() => void>();

  setTimeout(callback: () => void, delayMs: number): Timer {
    const timer = { callback, delayMs };
    this.#armed.add(timer);
    for (const watcher of [...this.#watchers]) {
      watcher();
    }
    return timer;
  }

  clearTimeout(timer: unknown): void {
    this.#armed.delete(timer as Timer);
  }

  /** The delays of all timers that are running, in the order in which they were started. */
  get delays(): number[] {
    return [...this.#armed].map(({ delayMs }) => delayMs);
  }

  /** Waits until a timer of this delay runs, and lets it run out. */
  async runOut(delayMs: number): Promise<void> {
    const timer = await this.#find(delayMs);
    this.#armed.delete(timer);
    timer.callback();
  }

  /** Waits until a timer of this delay runs. */
  async running(delayMs: number): Promise<void> {
    await this.#find(delayMs);
  }

  #find(delayMs: number): Promise<Timer> {
    const found = new Promise<Timer>((resolve) => {
      const watcher = (): void => {
        const timer = [...this.#armed].find((candidate) => candidate.delayMs === delayMs);
        if (timer !== undefined) {
          this.#watchers.delete(watcher);
          resolve(timer);
        }
      };
      this.#watchers.add(watcher);
      watcher();
    });
    return within(found, `a timer of ${delayMs} ms, running are ${this.delays.join(", ")}`);
  }
}
