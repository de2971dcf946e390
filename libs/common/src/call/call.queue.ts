import { TransientError } from '../error/imodel.error.js';
import { reasonOf } from '../base/abort.js';

/** Lets at most `limit` calls run at once; the others wait in the order in which they came. */
export class CallQueue {
  #running = 0;
  readonly #waiting = new Set<() => void>();

  constructor(
    private readonly limit: number,
    private readonly maxWaiting: number,
  ) {}

  /**
   * @param signal asked for when the work has to wait: who has left does not keep a place
   * @throws TransientError when too many calls wait already; the signal's reason when it is aborted
   */
  async run<T>(work: () => T | Promise<T>, signal?: () => AbortSignal): Promise<T> {
    // A place is handed over by the call that leaves it, so that nobody can slip in between.
    if (this.#running < this.limit) this.#running++;
    else await this.#turn(signal?.());
    try {
      return await work();
    } finally {
      const [next] = this.#waiting;
      if (next) {
        this.#waiting.delete(next);
        next();
      } else this.#running--;
    }
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    if (this.#waiting.size >= this.maxWaiting)
      throw new TransientError('Too many calls of this operation are waiting.', 503, 1);
    return new Promise((resolve, reject) => {
      const enter = () => {
        // The signal may outlive the work by far: that of a session does.
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
