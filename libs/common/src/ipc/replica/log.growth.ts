/**
 * A whole state takes the place of so many changes, or of so many bytes; of more behind a state that is larger, so that the cost of a
 * session grows with what it sends, and not with what its frontend leaves unread.
 */
const MOST_CHANGES = 32;
const MOST_BYTES = 256 * 1024;
/** A log of more changes takes long to read. */
const MOST_GROWTH = 32;

/** The size of the log of a session, behind the last whole state. */
export class LogGrowth {
  #changes = 0;
  #bytes = 0;
  /** Bytes of the last whole state. */
  #wholeBytes = 0;

  /** Whether the next frame is to have the whole state. */
  get isFull(): boolean {
    const growth = Math.max(1, this.#wholeBytes / MOST_BYTES);
    return this.#changes >= MOST_CHANGES * Math.min(MOST_GROWTH, growth) || this.#bytes > MOST_BYTES * growth;
  }

  /** A frame is in the log, or a piece of one. */
  added({ byteLength }: Uint8Array): void {
    this.#bytes += byteLength;
  }

  /** All pieces of a state are in the log, or those of a change. */
  complete(isWhole: boolean, frames: readonly Uint8Array[]): void {
    this.#changes++;
    if (!isWhole) return;
    this.#wholeBytes = frames.reduce((sum, { byteLength }) => sum + byteLength, 0);
    this.#changes = this.#bytes = 0;
  }
}
