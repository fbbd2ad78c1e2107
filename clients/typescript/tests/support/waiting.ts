/** Awaiting what the tests expect to happen, never for longer than a bound. */

const PATIENCE_MS = 20_000;

/** Settles as `promise` does, or fails naming `what` when that takes too long. */
export async function within<T>(promise: Promise<T>, what: string, timeoutMs = PATIENCE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${timeoutMs} ms in vain for ${what}`)), timeoutMs);
  });
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

/** A promise that the test settles itself. */
export class Deferred<T = void> {
  readonly promise: Promise<T>;
  resolve!: (value: T) => void;
  reject!: (error: unknown) => void;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}

/** What happened, in order, to be awaited one by one. */
export class Inbox<T> {
  readonly #items: T[] = [];
  readonly #takers: ((item: T) => void)[] = [];
  readonly #what: string;

  constructor(what: string) {
    this.#what = what;
  }

  readonly put = (item: T): void => {
    const taker = this.#takers.shift();
    if (taker === undefined) {
      this.#items.push(item);
    } else {
      taker(item);
    }
  };

  /** The oldest item not taken yet. */
  take(): Promise<T> {
    const item = this.#items.shift();
    if (item !== undefined) {
      return Promise.resolve(item);
    }
    return within(new Promise((resolve) => this.#takers.push(resolve)), this.#what);
  }

  /** Takes items until one fits. */
  async takeUntil(fits: (item: T) => boolean): Promise<T> {
    for (;;) {
      const item = await this.take();
      if (fits(item)) {
        return item;
      }
    }
  }

  /** What came and was not taken. */
  get rest(): readonly T[] {
    return this.#items;
  }
}
