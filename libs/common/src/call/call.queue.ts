import type { CallWatch } from '../base/observer.js';
import { TransientError } from '../error/imodel.error.js';
import { reasonOf } from '../base/abort.js';
import { StreamResult } from '../stream/stream.js';
import type { StreamItems } from '../stream/stream.js';
import { endingWith } from '../stream/reading.js';

/**
 * Runs at most `limit` calls at once. The others wait in the order of their arrival. A call whose result is a stream runs until
 * its producer has ended.
 */
export class CallQueue {
  #running = 0;
  readonly #waiting = new Set<() => void>();

  constructor(
    private readonly limit: number,
    private readonly maxWaiting: number,
  ) {}

  /**
   * @param signal called if the work must wait; an aborted call leaves the queue
   * @param watch learns how long the work has waited
   * @throws TransientError if too many calls wait already; the signal's reason if the signal is aborted
   */
  async run<T>(work: () => T | Promise<T>, signal?: () => AbortSignal, watch?: CallWatch): Promise<T> {
    // Work begins in the same turn if it does not have to wait.
    const place = this.enter(signal, watch);
    if (place) await place;
    let isStreaming = false;
    try {
      const result = await work();
      if (!(result instanceof StreamResult)) return result;
      isStreaming = true;
      return new StreamResult(this.#streamed(result.items)) as T;
    } finally {
      if (!isStreaming) this.leave();
    }
  }

  /**
   * Takes a place, until {@link leave}.
   *
   * @returns `undefined` if there is one at once
   * @throws (rejection) as {@link run} does. Then the caller has no place.
   */
  enter(signal?: () => AbortSignal, watch?: CallWatch): Promise<void> | undefined {
    // A call that ends passes its place on directly, so that no later call can take it.
    if (this.#running >= this.limit) return this.#wait(signal, watch);
    this.#running++;
    return undefined;
  }

  /** Passes a place on that {@link enter} has taken. */
  leave(): void {
    const [next] = this.#waiting;
    if (next) {
      this.#waiting.delete(next);
      next();
    } else this.#running--;
  }

  /** The items of a call that runs until its producer has ended. */
  #streamed(items: StreamItems): StreamItems {
    let isOver = false;
    const over = () => {
      if (!isOver) this.leave();
      isOver = true;
    };
    return {
      ...endingWith(items, over),
      // The place is free when the producer has ended.
      async return() {
        try {
          return await items.return();
        } finally {
          over();
        }
      },
    };
  }

  async #wait(signal?: () => AbortSignal, watch?: CallWatch): Promise<void> {
    const since = watch ? performance.now() : 0;
    watch?.step({ kind: 'waits' });
    try {
      await this.#turn(signal?.());
    } finally {
      watch?.step({ kind: 'waited', ms: performance.now() - since });
    }
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    if (this.#waiting.size >= this.maxWaiting)
      throw new TransientError('Too many calls of this operation are waiting.', 503, 1);
    return new Promise((resolve, reject) => {
      const enter = () => {
        // The signal may outlive the work, as the signal of a session does.
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        if (this.#waiting.delete(enter)) reject(reasonOf(signal!));
      };
      this.#waiting.add(enter);
      if (signal?.aborted) leave();
      else signal?.addEventListener('abort', leave, { once: true });
    });
  }
}
