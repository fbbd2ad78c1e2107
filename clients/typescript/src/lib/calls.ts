/** Calls under way: sent, or waiting for a connection to be sent on. */

import type { Connection, Sent } from "./connection.js";
import { NotConnectedError, RequestTimeoutError, WardroomError } from "./errors.js";
import type { Timers } from "./settings.js";

/** Calls under way at once. One more is refused, because a program that far ahead of the server will not catch up. */
const MAX_CALLS = 10_000;

/** Keeps the calls of a client until they are answered, lost or too late. */
export class Calls {
  readonly #timers: Timers;
  readonly #waiting = new Set<Call>();
  #count = 0;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Starts a call: sends it on `connection`, or keeps it for `sendWaiting` when that is null. */
  start(
    method: string,
    params: object | undefined,
    timeoutMs: number,
    connection: Connection | null,
    onResult?: (result: unknown) => void,
  ): Promise<unknown> {
    if (this.#count >= MAX_CALLS) {
      return Promise.reject(new NotConnectedError(`\`${method}\` was not sent: ${MAX_CALLS} calls are under way`));
    }
    this.#count += 1;
    return new Promise<unknown>((resolve, reject) => {
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
      } else {
        call.send(connection);
      }
    });
  }

  /** Sends what has waited for a connection, in the order of the calls. */
  sendWaiting(connection: Connection): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const call of waiting) {
      call.send(connection);
    }
  }

  /** Fails what waits for a connection that will not come. */
  failWaiting(error: WardroomError): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const call of waiting) {
      call.settle(() => call.reject(error));
    }
  }
}

class Call {
  whenSettled: () => void = () => {};
  #sent: Sent | null = null;
  #settled = false;

  constructor(
    readonly method: string,
    readonly params: object | undefined,
    readonly onResult: ((result: unknown) => void) | undefined,
    readonly resolve: (result: unknown) => void,
    readonly reject: (error: unknown) => void,
  ) {}

  send(connection: Connection): void {
    try {
      this.#sent = connection.send(this.method, this.params, this.onResult);
    } catch (error) {
      this.settle(() => this.reject(error));
      return;
    }
    this.#sent.answer.then(
      (result) => this.settle(() => this.resolve(result)),
      (error: unknown) => this.settle(() => this.reject(error)),
    );
  }

  expire(timeoutMs: number): void {
    this.#sent?.forget();
    const error =
      this.#sent === null
        ? new NotConnectedError(`\`${this.method}\` was not sent: no connection within ${timeoutMs} ms`)
        : new RequestTimeoutError(`no answer to \`${this.method}\` within ${timeoutMs} ms: the outcome is unknown`);
    this.settle(() => this.reject(error));
  }

  settle(how: () => void): void {
    if (!this.#settled) {
      this.#settled = true;
      this.whenSettled();
      how();
    }
  }
}
