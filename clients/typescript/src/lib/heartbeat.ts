/** Notices a dead link: browsers cannot ping, and a vanished server closes nothing. */

import type { Connection } from "./connection.js";
import type { Timers } from "./settings.js";

/** The cheapest call that every server answers. */
const PROBE = "docs.list";

/** Watches one connection until `stop`. Abandons it when a whole period passes in silence after a probe. */
export class Heartbeat {
  readonly #connection: Connection;
  readonly #periodMs: number;
  readonly #timers: Timers;
  #timer: unknown;
  #probed = false;

  constructor(connection: Connection, periodMs: number, timers: Timers) {
    this.#connection = connection;
    this.#periodMs = periodMs;
    this.#timers = timers;
    if (periodMs > 0) {
      this.#wait();
    }
  }

  stop(): void {
    this.#timers.clearTimeout(this.#timer);
  }

  #wait(): void {
    this.#timer = this.#timers.setTimeout(() => this.#beat(), this.#periodMs);
  }

  #beat(): void {
    if (this.#connection.takeSignOfLife()) {
      this.#probed = false;
    } else if (this.#probed) {
      this.#connection.abandon(`no sign of life for ${2 * this.#periodMs} ms`);
      return;
    } else {
      this.#probed = true;
      // Any answer will do, an error included; that none came is seen above.
      this.#connection.send(PROBE, undefined).answer.catch(() => {});
    }
    this.#wait();
  }
}
