/** The latest entries, up to a number. A new one replaces the oldest. */
export class Ring<T> {
  #entries: T[] = [];
  #next = 0;

  /** @param most how many are kept */
  constructor(private readonly most: number) {}

  add(entry: T): void {
    this.#entries[this.#next] = entry;
    this.#next = this.#next + 1 === this.most ? 0 : this.#next + 1;
  }

  /** The latest first. */
  *[Symbol.iterator](): Generator<T> {
    const { length } = this.#entries;
    for (let i = 1; i <= length; i++) yield this.#entries[(this.#next - i + length) % length]!;
  }
}
