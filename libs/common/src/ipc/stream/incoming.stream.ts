import { ITEM_BYTES, STREAM_WINDOW } from '../../base/limits.js';
import { ItemQueue } from '../../stream/item.queue.js';
import { sizeOf } from '../../value/value.size.js';
import { IpcProtocolError } from '../message/message.js';

/** How long taken items are not reported while the reader waits for more, in milliseconds. */
const REPORT_MS = 20;

/** The sender of a stream, and the memory that its items take. */
export interface IncomingOwner {
  /** Reports how many more items the reader has taken; `undefined`: the reader has left. */
  taken(items: number | undefined): void;
  /** Counts bytes of an item that waits. @returns whether there is space for them */
  take(bytes: number): boolean;
  /** Frees bytes. */
  free(bytes: number): void;
}

/** Keeps the items that the other end has sent until they are read, and reports what was read. */
export class IncomingStream {
  readonly #queue: ItemQueue;
  /** Items that were taken and not reported yet, and their bytes. */
  #taken = 0;
  #takenBytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly owner: IncomingOwner) {
    this.#queue = new ItemQueue({
      taken: (bytes, waited) => this.#count(bytes, waited),
      starved: () => {
        if (this.#taken > 0) this.#timer ??= setTimeout(() => this.#report(), REPORT_MS);
      },
      left: () => {
        this.#stop();
        owner.taken(undefined);
      },
      dropped: (bytes) => owner.free(bytes),
    });
  }

  /** The items, for the reader. */
  get items(): ItemQueue {
    return this.#queue;
  }

  /** Whether no further item is received. */
  get isOver(): boolean {
    return this.#queue.isOver;
  }

  /**
   * Receives an item.
   *
   * @param most bytes that an honest sender never has waiting
   * @returns whether there is space for the item
   * @throws IpcProtocolError if more waits than may
   */
  receive(value: unknown, most: number): boolean {
    if (this.#queue.bytes > most)
      throw new IpcProtocolError(1008, `More than ${most} bytes of a stream wait for their reader.`);
    const bytes = ITEM_BYTES + sizeOf(value);
    const waits = !this.#queue.isAwaited;
    if (waits && !this.owner.take(bytes)) return false;
    // Counting the bytes may have ended the session.
    if (waits && this.#queue.isOver) this.owner.free(bytes);
    this.#queue.push(value, bytes);
    return true;
  }

  /** The producer has ended the stream. Items that wait can still be read. */
  end(): void {
    this.#stop();
    this.#queue.end();
  }

  /** The producer has failed. Items that wait can still be read. */
  fail(error: unknown): void {
    this.#stop();
    this.#queue.fail(error);
  }

  /** The session is over: items that wait are dropped. */
  abandon(error: unknown): void {
    this.#stop();
    this.#queue.clear(error);
  }

  /** The call is over: nothing more is read. Tells the other end if the stream is not over. */
  close(): void {
    void this.#queue.return();
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#taken = 0;
  }

  #count(bytes: number, waited: boolean): void {
    if (waited) this.owner.free(bytes);
    if (this.#queue.isOver) return;
    this.#taken++;
    this.#takenBytes += bytes;
    if (this.#takenBytes >= STREAM_WINDOW / 4) this.#report();
  }

  #report(): void {
    const items = this.#taken;
    this.#stop();
    this.#takenBytes = 0;
    if (items > 0) this.owner.taken(items);
  }
}
