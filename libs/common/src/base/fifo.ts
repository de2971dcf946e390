/** Compacting a shorter queue saves nothing. */
const SHORT = 32;

/** A queue. Removing its first item takes constant time on average, however long the queue is. */
export class Fifo<T> {
  #items: (T | undefined)[] = [];
  /** Index of the first item. */
  #from = 0;

  get size(): number {
    return this.#items.length - this.#from;
  }

  /** The first item; `undefined` if the queue is empty. */
  get first(): T | undefined {
    return this.#items[this.#from];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** Removes the first item. @returns the item; `undefined` if the queue is empty */
  shift(): T | undefined {
    if (this.size === 0) return undefined;
    const item = this.#items[this.#from];
    this.#items[this.#from++] = undefined;
    if (this.#from > SHORT && 2 * this.#from > this.#items.length) {
      this.#items = this.#items.slice(this.#from);
      this.#from = 0;
    }
    return item;
  }

  clear(): void {
    this.#items = [];
    this.#from = 0;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let at = this.#from; at < this.#items.length; at++) yield this.#items[at] as T;
  }
}
