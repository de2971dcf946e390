import { Fifo } from '../../base/fifo.js';
import { ITEM_BYTES, STREAM_WINDOW } from '../../base/limits.js';
import { observer } from '../../base/observer.js';
import { settle } from '../../base/settle.js';
import { leaveItems } from '../../stream/reading.js';
import type { StreamItems } from '../../stream/stream.js';

/** Why a stream ended before its end. */
export interface StreamFailure {
  readonly thrown: unknown;
  /** Whether an item cannot be sent, in place of an error of the producer. */
  readonly isUnsendable: boolean;
}

/** Carries the items of a stream to its reader. */
export interface ItemSink {
  /** Too much is on its way: resolves when the peer has taken it. Never rejects. */
  backpressure(): Promise<void> | undefined;
  /** Sends an item. @returns its bytes @throws NumberedError if it cannot be sent */
  item(value: unknown): number;
  /** The stream is over. */
  ended(failure?: StreamFailure): void;
}

/** Reads a stream at this end and sends its items, never more than a window ahead of the reader at the other end. */
export class OutgoingStream {
  /** Bytes of the items that the reader has not taken, in the order of sending. */
  readonly #sizes = new Fifo<number>();
  #unread = 0;
  #isPulling = false;
  #isOver = false;
  /** Lets a producer go on that has waited for its reader. */
  #goOn: (() => void) | undefined;
  // Made once, because every item would need new ones.
  readonly #read = (): unknown => this.items.next();
  readonly #resolved = (result: unknown): void => this.#got(result as IteratorResult<unknown>);
  readonly #rejected = (thrown: unknown): void => this.#end({ thrown, isUnsendable: false });

  constructor(
    private readonly items: StreamItems,
    private readonly sink: ItemSink,
  ) {}

  /** Reads and sends items until the window is full. */
  pull(): void {
    if (this.#isPulling || this.#isOver) return;
    if (this.#unread >= STREAM_WINDOW) {
      observer?.windowFull?.();
      // Code behind a promise has the asynchronous context of this place, and not that of the message that makes space.
      void new Promise<void>((resolve) => (this.#goOn = resolve)).then(() => this.pull());
      return;
    }
    this.#isPulling = true;
    this.#next();
  }

  /** Reads an item when there is space for it. Many streams may wait for the same space: each asks again. */
  #next(): void {
    if (this.#isOver) return;
    const backpressure = this.sink.backpressure();
    if (backpressure) void backpressure.then(() => this.#next());
    else settle(this.#read, this.#resolved, this.#rejected);
  }

  /** The reader has taken items. @returns whether so many were sent */
  taken(items: number): boolean {
    if (items > this.#sizes.size) return false;
    const before = this.#unread;
    for (let i = 0; i < items; i++) this.#unread -= this.#sizes.shift()!;
    observer?.unread?.(this.#unread - before);
    if (this.#unread < STREAM_WINDOW) this.#goOn?.();
    return true;
  }

  /** Stops the producer: the reader has left, or the call is over. */
  stop(): void {
    if (this.#isOver) return;
    this.#over();
    leaveItems(this.items);
  }

  #got({ done, value }: IteratorResult<unknown>): void {
    if (this.#isOver) return;
    if (done) this.#end();
    else this.#send(value);
  }

  /** Sends an item when there is space for it: others may have used the space while it was made. */
  #send(value: unknown): void {
    if (this.#isOver) return;
    const backpressure = this.sink.backpressure();
    if (backpressure) {
      void backpressure.then(() => this.#send(value));
      return;
    }
    this.#isPulling = false;
    try {
      const bytes = ITEM_BYTES + this.sink.item(value);
      this.#sizes.push(bytes);
      this.#unread += bytes;
      observer?.unread?.(bytes);
    } catch (thrown) {
      this.stop();
      this.sink.ended({ thrown, isUnsendable: true });
      return;
    }
    this.pull();
  }

  #end(failure?: StreamFailure): void {
    if (this.#isOver) return;
    this.#over();
    this.sink.ended(failure);
  }

  #over(): void {
    this.#isOver = true;
    // Nobody counts the items that are read from now on.
    observer?.unread?.(-this.#unread);
  }
}
