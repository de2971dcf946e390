/** Shorter memory costs little to make, and is not kept. */
const LEAST_BYTES = 16 * 1024;
/** Memory is made in multiples of this many bytes, so that strings of about the same length can use it in turn. */
const STEP_BYTES = 4 * 1024;

/**
 * Memory of byte strings that is used again. New memory has to be filled with zeros, and much of it on the way makes the
 * garbage collector run all the time.
 */
export class BytePool {
  #free: ArrayBuffer[] = [];
  #bytes = 0;

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
    if (last?.byteLength !== length) return new Uint8Array(new ArrayBuffer(length), 0, bytes);
    this.#free.pop();
    this.#count(-length);
    return new Uint8Array(last, 0, bytes);
  }

  /** Takes back memory from {@link take}, which nothing uses any more. */
  give({ buffer }: Uint8Array): void {
    const { byteLength } = buffer;
    if (byteLength < LEAST_BYTES || this.#bytes + byteLength > this.most) return;
    this.#free.push(buffer as ArrayBuffer);
    this.#count(byteLength);
  }

  /** Keeps no memory. */
  clear(): void {
    this.#free = [];
    if (this.#bytes > 0) this.#count(-this.#bytes);
  }

  #count(by: number): void {
    this.#bytes += by;
    this.total.add(by);
  }
}
