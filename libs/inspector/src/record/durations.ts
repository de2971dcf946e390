/** Parts of each doubling. A percentile is at most a sixteenth too large. */
const PARTS = 16;
/** Doublings of a microsecond: more than half an hour. */
const DOUBLINGS = 28;

/** Counts durations by their length, in memory of fixed size, over the present and the last period. */
export class Durations {
  #present = new Uint32Array(PARTS * DOUBLINGS);
  #last = new Uint32Array(PARTS * DOUBLINGS);
  #most = 0;
  #lastMost = 0;

  /** @param ms in milliseconds */
  add(ms: number): void {
    this.#present[indexOf(ms)]!++;
    if (ms > this.#most) this.#most = ms;
  }

  /** Begins another period, and forgets the one before the last. */
  turn(): void {
    [this.#present, this.#last] = [this.#last, this.#present];
    this.#present.fill(0);
    this.#lastMost = this.#most;
    this.#most = 0;
  }

  /** The longest duration, in milliseconds. */
  get most(): number {
    return Math.max(this.#most, this.#lastMost);
  }

  /** Durations that parts of all durations do not exceed, in milliseconds; 0 without any. @param shares rising */
  quantiles(shares: readonly number[]): number[] {
    let total = 0;
    for (let i = 0; i < this.#present.length; i++) total += this.#present[i]! + this.#last[i]!;
    if (total === 0) return shares.map(() => 0);
    const result: number[] = [];
    let seen = 0;
    for (let i = 0; i < this.#present.length && result.length < shares.length; i++) {
      seen += this.#present[i]! + this.#last[i]!;
      while (result.length < shares.length && seen >= Math.ceil(total * shares[result.length]!))
        result.push(Math.min(endOf(i), this.most));
    }
    return result;
  }
}

/** The first 16 microseconds have an index each. */
function indexOf(ms: number): number {
  const us = Math.min(Math.max(ms * 1000, 0), 2 ** 31 - 1) | 0;
  if (us < PARTS) return us;
  const doubling = 31 - Math.clz32(us);
  return (doubling - 3) * PARTS + ((us >>> (doubling - 4)) & (PARTS - 1));
}

/** The end of the durations with an index, in milliseconds. */
function endOf(index: number): number {
  if (index < PARTS) return (index + 1) / 1000;
  const doubling = Math.floor(index / PARTS) + 3;
  return ((PARTS + (index % PARTS) + 1) * 2 ** (doubling - 4)) / 1000;
}
