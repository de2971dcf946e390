/** The state of a call in a store. */
export type OnceState =
  /** Nobody has claimed it, or its claim was released. */
  | 'free'
  /** It runs, in a process that lives. */
  | 'running'
  /** Its process has died, or its record cannot be read. */
  | 'lost'
  /** Its answer, without bytes if the store could not hold it. The receiver owns the memory. */
  | Uint8Array;

/** The right to run a call, which nobody else gets. */
export interface OnceClaim {
  /** Keeps the answer. Returns at once, and the store tries again until it has the answer, or the call is forgotten. */
  settle(answer: Uint8Array): void;
  /** The call has no answer to keep: the next one that claims it runs. */
  release(): void;
}

/**
 * Remembers the calls of operations with `idempotency: 'once'`, for one process or for all that share it. The memory of a process is
 * the default, and a backplane with logs another store.
 */
export interface OnceStore {
  /**
   * Claims a call. Rejects if the store cannot be reached: the call has not begun then.
   *
   * @param key names the call
   * @param lifeMs how long the call is remembered after its claim, and again after its answer, in milliseconds
   * @returns `undefined` if the call was claimed before
   */
  claim(key: string, lifeMs: number): Promise<OnceClaim | undefined>;
  /** Looks at a call. Rejects if the store cannot be reached. */
  look(key: string): Promise<OnceState>;
  /** Leaves the store, after what it has to keep was kept. Never rejects. */
  close?(): Promise<void>;
}

interface Ended {
  readonly answer: Uint8Array;
  /** In milliseconds of this process. */
  readonly until: number;
}

/** Remembers the calls of this process. */
export class MemoryOnceStore implements OnceStore {
  /** Apart from the answers, so that a sweep does not pass all calls that run. */
  readonly #running = new Set<string>();
  /** In the order of their ends. */
  readonly #ended = new Map<string, Ended>();

  /** As in {@link OnceStore}. */
  async claim(key: string, lifeMs: number): Promise<OnceClaim | undefined> {
    this.#sweep();
    if (this.#running.has(key) || this.#ended.has(key)) return undefined;
    this.#running.add(key);
    return {
      settle: (answer) => {
        this.#running.delete(key);
        this.#ended.set(key, { answer, until: performance.now() + lifeMs });
      },
      release: () => void this.#running.delete(key),
    };
  }

  /** As in {@link OnceStore}. */
  async look(key: string): Promise<OnceState> {
    this.#sweep();
    if (this.#running.has(key)) return 'running';
    return this.#ended.get(key)?.answer ?? 'free';
  }

  #sweep(): void {
    const now = performance.now();
    for (const [key, { until }] of this.#ended) {
      if (until > now) break;
      this.#ended.delete(key);
    }
  }
}
