import type { RecordedCall } from './recorded.call.js';

/** Calls that are listed. All of them are counted. */
const MOST_LISTED = 20_000;

/** The calls that run, in the order in which they began: a list that a call leaves without a search. */
export class RunningCalls {
  #first: RecordedCall | undefined;
  #last: RecordedCall | undefined;
  #listed = 0;
  /** How many run. */
  count = 0;

  add(call: RecordedCall): void {
    this.count += call.weight;
    if (this.#listed >= MOST_LISTED) return;
    this.#listed++;
    call.isListed = true;
    call.previous = this.#last;
    if (this.#last) this.#last.next = call;
    else this.#first = call;
    this.#last = call;
  }

  delete(call: RecordedCall): void {
    this.count -= call.weight;
    if (!call.isListed) return;
    this.#listed--;
    call.isListed = false;
    const { previous, next } = call;
    if (previous) previous.next = next;
    else this.#first = next;
    if (next) next.previous = previous;
    else this.#last = previous;
    // A call of the past must not keep its neighbours.
    call.previous = call.next = undefined;
  }

  /** The longest first. */
  *[Symbol.iterator](): Generator<RecordedCall> {
    for (let call = this.#first; call; call = call.next) yield call;
  }
}
