import { TransientError } from './call.error.js';

/** Lets at most `limit` calls run at once; the others wait in the order in which they came. */
export class CallQueue {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(
    private readonly limit: number,
    private readonly maxWaiting: number,
  ) {}

  /** @throws TransientError when too many calls wait already */
  async run<T>(work: () => T | Promise<T>): Promise<T> {
    if (this.#running >= this.limit) {
      if (this.#waiting.length >= this.maxWaiting)
        throw new TransientError('Too many calls of this operation are waiting.', 503, 1);
      // The place is handed over by the call that leaves it, so nobody can slip in between.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#running++;
    }
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}
