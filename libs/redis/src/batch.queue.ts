import { createHash } from 'node:crypto';
import { BackplaneError } from '@linnet/common';
import type { Redis } from 'ioredis';
import { script } from './script.js';

/** Bytes and functions of one batch: Redis serves nobody else while it runs. */
const BATCH_BYTES = 256 * 1024;
const BATCH_CALLS = 500;
/** How often waiting functions are looked at, in milliseconds. */
const SWEEP_MS = 100;
const sha = createHash('sha1').update(script).digest('hex');

/** A function of the script that waits for Redis, or for its answer. */
interface Call {
  readonly args: readonly (string | Buffer)[];
  readonly bytes: number;
  /** In milliseconds of this process. */
  readonly until: number;
  isSettled: boolean;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Runs functions of the script in the order of the calls, in batches. A batch whose answer is lost runs again, before any later
 * one, so that the order holds; nodes ignore frames that they had before.
 */
export class BatchQueue {
  #calls: Call[] = [];
  /** Functions that run before all others. */
  #urgent: Call[] = [];
  #isUrgent = false;
  /** The batch that runs. */
  #batch: Call[] = [];
  #isRunning = false;
  /** Whether urgent functions may run; see {@link open}. */
  #isOpen = false;
  #isBatchUrgent = false;
  /** Functions that are not urgent wait until then. */
  #heldUntil = Infinity;
  #hasFailed = false;
  #isClosed = false;
  #sweep: NodeJS.Timeout | undefined;
  /** Called when nothing waits. */
  #settled: () => void = () => undefined;

  /**
   * @param constants the first arguments of the script
   * @param timeoutMs how long a function may wait for its result, in milliseconds
   */
  constructor(
    private readonly redis: Redis,
    private readonly constants: readonly (string | number)[],
    private readonly timeoutMs: number,
  ) {
    redis.on('close', () => {
      this.#isOpen = false;
      this.#heldUntil = Infinity;
    });
  }

  /** Runs urgent functions from now on, until the connection closes. */
  open(): void {
    this.#isOpen = true;
    this.#start();
  }

  /**
   * Runs all functions from now on, until the connection closes. They were meant for the Redis before, so that a node must know first
   * whether this one has the same data.
   *
   * @param holdMs the pause before: other nodes need the time as well to come back to an empty Redis, and a frame that is published
   * before would miss them
   */
  release(holdMs: number): void {
    if (this.#heldUntil !== Infinity && holdMs === 0) return;
    this.#heldUntil = performance.now() + holdMs;
    if (holdMs > 0) setTimeout(() => this.#start(), holdMs);
    else this.#start();
  }

  /** Runs a function. Rejects with a {@link BackplaneError} without a result in time. */
  call(...args: readonly (string | Buffer)[]): Promise<unknown> {
    if (this.#isClosed) return Promise.reject(new BackplaneError('unreachable', 'The backplane is closed.'));
    return new Promise((resolve, reject) => {
      const bytes = args.reduce((sum, { length }) => sum + length, 0);
      const until = performance.now() + this.timeoutMs;
      const call: Call = { args, bytes, until, isSettled: false, resolve, reject };
      (this.#isUrgent ? this.#urgent : this.#calls).push(call);
      this.#sweep ??= setInterval(() => this.#rejectLate(), SWEEP_MS);
      this.#start();
    });
  }

  /** Puts what a function calls before everything that waits. */
  first(work: () => void): void {
    this.#isUrgent = true;
    work();
    this.#isUrgent = false;
  }

  /** Whether a function had no result since the last time: what it was to do may be missing. */
  takeFailures(): boolean {
    const hasFailed = this.#hasFailed;
    this.#hasFailed = false;
    return hasFailed;
  }

  /** Waits for the functions that were called, and accepts no more. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#waiting > 0) await new Promise<void>((resolve) => (this.#settled = resolve));
  }

  get #waiting(): number {
    return this.#batch.length + this.#urgent.length + this.#calls.length;
  }

  #start(): void {
    if (!this.#isRunning && this.#isOpen) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#isOpen && this.#fill()) await this.#runBatch();
    this.#isRunning = false;
  }

  /** Takes the next batch. @returns whether there is one */
  #fill(): boolean {
    const calls = this.#urgent.length > 0 ? this.#urgent : this.#calls;
    if (calls === this.#calls && performance.now() < this.#heldUntil) return false;
    let bytes = 0;
    let count = 0;
    for (const call of calls) {
      if (count > 0 && (bytes + call.bytes > BATCH_BYTES || count >= BATCH_CALLS)) break;
      bytes += call.bytes;
      count++;
    }
    this.#batch = calls.splice(0, count);
    this.#isBatchUrgent = calls === this.#urgent;
    return this.#batch.length > 0;
  }

  async #runBatch(): Promise<void> {
    const batch = this.#batch;
    try {
      const args = [...this.constants, ...batch.flatMap(({ args }) => args)];
      const results = await this.#evaluate(args);
      this.#batch = [];
      batch.forEach((call, i) => this.#settle(call, () => call.resolve(results[i])));
    } catch (error) {
      // A connection that broke: the batch runs again over the next one, before what waits. Any other error is that of the script.
      if (!isReply(error)) {
        // Without what was too late meanwhile.
        (this.#isBatchUrgent ? this.#urgent : this.#calls).unshift(...this.#batch);
        this.#batch = [];
        if (this.#isOpen) await new Promise((resolve) => setTimeout(resolve, SWEEP_MS));
        return;
      }
      this.#batch = [];
      for (const call of batch)
        this.#settle(call, () => call.reject(new BackplaneError('unreachable', String(error))));
    }
  }

  async #evaluate(args: readonly (string | number | Buffer)[]): Promise<unknown[]> {
    try {
      return (await this.redis.callBuffer('EVALSHA', sha, 0, ...args)) as unknown[];
    } catch (error) {
      if (!String(error).includes('NOSCRIPT')) throw error;
      return (await this.redis.callBuffer('EVAL', script, 0, ...args)) as unknown[];
    }
  }

  #settle(call: Call, settle: () => void): void {
    if (call.isSettled) return;
    call.isSettled = true;
    settle();
    if (this.#waiting > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
    this.#settled();
  }

  #rejectLate(): void {
    const now = performance.now();
    const isLate = ({ until }: Call) => until <= now;
    const late = [...this.#batch, ...this.#urgent, ...this.#calls].filter(isLate);
    const message = `Redis did not confirm within ${this.timeoutMs} ms.`;
    if (late.length === 0) return;
    this.#hasFailed = true;
    const isTimely = (call: Call) => !isLate(call);
    this.#batch = this.#batch.filter(isTimely);
    this.#calls = this.#calls.filter(isTimely);
    this.#urgent = this.#urgent.filter(isTimely);
    for (const call of late)
      this.#settle(call, () => call.reject(new BackplaneError('unreachable', message)));
  }
}

/**
 * Whether Redis itself has answered with an error, which begins with a code: the name of its class is another one in a minified
 * bundle. While Redis loads its data it is as good as away.
 */
function isReply(error: unknown): boolean {
  const [, code] = /^([A-Z]+) /.exec((error as Error).message) ?? [];
  return code !== undefined && !/^(LOADING|BUSY|MASTERDOWN|READONLY|CLUSTERDOWN)$/.test(code);
}
