import type { RecordedCall } from './recorded.call.js';

/** Calls that are listed. All of them are counted. */
const MOST_LISTED = 20_000;

/** The calls that run, in the order in which they began. */
export class RunningCalls {
  readonly #listed = new Set<RecordedCall>();
  /** How many run. */
  count = 0;

  add(call: RecordedCall): void {
    this.count += call.weight;
    if (this.#listed.size < MOST_LISTED) this.#listed.add(call);
  }

  delete(call: RecordedCall): void {
    this.count -= call.weight;
    this.#listed.delete(call);
  }

  /** The longest first. */
  [Symbol.iterator](): IterableIterator<RecordedCall> {
    return this.#listed.values();
  }
}
