import { Fifo } from '../base/fifo.js';
import { streamEnd } from './stream.js';
import type { StreamItems } from './stream.js';

/** The producer of a queue. */
export interface ItemQueueOwner {
  /** The reader has taken an item. @param waited whether the item was in the queue */
  taken(bytes: number, waited: boolean): void;
  /** The reader waits, and the queue is empty. */
  starved?(): void;
  /** The reader left before the end. Nothing more is read. */
  left(): void;
  /** Items that waited are not read. */
  dropped?(bytes: number): void;
}

interface Item {
  readonly value: unknown;
  readonly bytes: number;
}

interface Reader {
  resolve(result: IteratorResult<unknown, undefined>): void;
  reject(error: unknown): void;
}

/** Items that have arrived and were not read yet. The producer pushes, and one reader pulls. */
export class ItemQueue implements StreamItems, AsyncIterableIterator<unknown, undefined, undefined> {
  readonly #items = new Fifo<Item>();
  readonly #readers = new Fifo<Reader>();
  #bytes = 0;
  /** The end of the stream: after the last item, with or without an error. */
  #end: { error?: unknown } | undefined;

  constructor(private readonly owner: ItemQueueOwner) {}

  /** Bytes of the items that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether no item can follow. */
  get isOver(): boolean {
    return this.#end !== undefined;
  }

  /** Whether a reader waits for an item. */
  get isAwaited(): boolean {
    return this.#readers.size > 0;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  push(value: unknown, bytes: number): void {
    if (this.#end) return;
    const reader = this.#readers.shift();
    if (reader) {
      reader.resolve({ done: false, value });
      this.owner.taken(bytes, false);
      return;
    }
    this.#items.push({ value, bytes });
    this.#bytes += bytes;
  }

  /** Ends the stream after the items that wait. */
  end(): void {
    if (this.#end) return;
    this.#end = {};
    for (let reader; (reader = this.#readers.shift());) reader.resolve(streamEnd);
  }

  /** Ends the stream with an error after the items that wait. */
  fail(error: unknown): void {
    if (this.#end) return;
    this.#end = { error };
    this.#readers.shift()?.reject(this.#takeError());
    for (let reader; (reader = this.#readers.shift());) reader.resolve(streamEnd);
  }

  /** Ends the stream, and drops the items that wait. */
  clear(error?: unknown): void {
    this.#items.clear();
    this.owner.dropped?.(this.#bytes);
    this.#bytes = 0;
    if (error === undefined) this.end();
    else this.fail(error);
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    const item = this.#items.shift();
    if (item) {
      this.#bytes -= item.bytes;
      this.owner.taken(item.bytes, true);
      return Promise.resolve({ done: false, value: item.value });
    }
    if (this.#end && 'error' in this.#end) return Promise.reject(this.#takeError());
    if (this.#end) return Promise.resolve(streamEnd);
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject });
      this.owner.starved?.();
    });
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    const isEarly = !this.#end;
    this.clear();
    if (isEarly) this.owner.left();
    return Promise.resolve(streamEnd);
  }

  /** An error is reported to one reader. Then the stream is over. */
  #takeError(): unknown {
    const error = this.#end?.error;
    this.#end = {};
    return error;
  }
}
