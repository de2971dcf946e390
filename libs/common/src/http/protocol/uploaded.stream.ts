import { STREAM_WINDOW } from '../../base/limits.js';
import { ItemQueue } from '../../stream/item.queue.js';

/** An item that has not arrived whole. */
interface PendingItem {
  /** The bytes that are there. */
  readonly partial: number;
  /** Drops them, because nobody reads on. */
  discard(): void;
}

/** A stream among the arguments of a call. It arrives in the rest of the request's body while the method reads it. */
export class UploadedStream {
  /** The items, for the method. */
  readonly items: ItemQueue;
  /** The arguments of the call, the items among them. */
  arguments: unknown[] = [];
  /** Keeps an item that has not arrived whole. */
  pending: PendingItem | undefined;
  /** Called after each change by the reader. */
  onRead: (() => void) | undefined;
  #change: (() => void) | undefined;

  constructor() {
    const changed = () => this.#changed();
    this.items = new ItemQueue({ taken: changed, left: changed });
  }

  /** Counts the bytes that wait for the method. An item that it will not read is dropped. */
  countBytes(): number {
    if (this.isOver) this.pending?.discard();
    return this.items.bytes + (this.pending?.partial ?? 0);
  }

  /** Whether the platform must stop reading. */
  get isFull(): boolean {
    return this.items.bytes >= STREAM_WINDOW;
  }

  /** Whether the method does not read on. The rest of the body is discarded. */
  get isOver(): boolean {
    return this.items.isOver;
  }

  /** Calls back once, when there is space again or the method has left. */
  onSpace(change: () => void): void {
    this.#change = change;
  }

  /** Drops the items that wait, and ends the stream with an error. */
  drop(error: Error): void {
    this.items.clear(error);
    this.#changed();
  }

  #changed(): void {
    this.onRead?.();
    if (this.isFull) return;
    const change = this.#change;
    this.#change = undefined;
    change?.();
  }
}

/** The stream's place in the JSON text of the arguments. A server that knows no streams misses its bytes. */
export const streamMarker = { isBinary: true, isStream: true, index: 0, size: 0, chunks: 1 } as const;
