import { unref } from '../base/timer.js';

/** Shorter memory costs little to make, and is not kept. */
const LEAST_BYTES = 16 * 1024;
/** Memory is made in multiples of this many bytes, so that strings of about the same length can use it in turn. */
const STEP_BYTES = 4 * 1024;
/** Memory that nobody has taken for this time is not kept, in milliseconds. */
const IDLE_MS = 1_000;

/**
 * Memory of byte strings that is used again. New memory has to be filled with zeros, and much of it on the way makes the
 * garbage collector run all the time.
 */
export class BytePool {
  #free: Uint8Array<ArrayBuffer>[] = [];
  #bytes = 0;
  /** Runs while memory is kept. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wasTaken = false;

  /**
   * @param most bytes that are kept for later
   * @param total counts the bytes that are kept
   */
  constructor(
    private readonly most: number,
    private readonly total: { add(by: number): void },
  ) {}

  /** A byte string, whose content is not defined. */
  take(bytes: number): Uint8Array<ArrayBuffer> {
    if (bytes < LEAST_BYTES) return new Uint8Array(bytes);
    const length = Math.ceil(bytes / STEP_BYTES) * STEP_BYTES;
    const last = this.#free.at(-1);
    if (last?.buffer.byteLength !== length) return new Uint8Array(new ArrayBuffer(length), 0, bytes);
    this.#free.pop();
    this.#wasTaken = true;
    this.#count(-length);
    return last.byteLength === bytes ? last : new Uint8Array(last.buffer, 0, bytes);
  }

  /** Takes back memory from {@link take}, which nothing uses any more. */
  give(memory: Uint8Array): void {
    const { byteLength } = memory.buffer;
    if (byteLength < LEAST_BYTES || this.#bytes + byteLength > this.most) return;
    this.#free.push(memory as Uint8Array<ArrayBuffer>);
    this.#count(byteLength);
    this.#timer ??= this.#look();
  }

  /** Keeps no memory. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#free = [];
    if (this.#bytes > 0) this.#count(-this.#bytes);
  }

  /** Keeps memory only as long as it is used. */
  #look(): ReturnType<typeof setTimeout> {
    this.#wasTaken = false;
    const look = () => {
      if (this.#wasTaken) this.#timer = this.#look();
      else this.clear();
    };
    return unref(setTimeout(look, IDLE_MS));
  }

  #count(by: number): void {
    this.#bytes += by;
    this.total.add(by);
  }
}
