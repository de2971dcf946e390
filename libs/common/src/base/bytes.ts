/** Text of bytes, as they are: a byte order mark is part of it. */
export const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** Whether a value is what the wire calls binary: a `Uint8Array`, of any realm, a Node `Buffer` included. */
export function isBytes(value: unknown): value is Uint8Array {
  return ArrayBuffer.isView(value) && (value as Uint8Array)[Symbol.toStringTag] === 'Uint8Array';
}

/** Copies byte strings into one that owns its memory. */
export function concatBytes(parts: readonly Uint8Array[], total: number): Uint8Array {
  const bytes = new Uint8Array(total);
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.byteLength;
  }
  return bytes;
}

const noBytes = new Uint8Array(0);

/** Chunks from here on are kept as they are; smaller ones are copied together. */
const LARGE_CHUNK = 4096;

/**
 * Collects a byte string that arrives in chunks. A peer may send a body byte by byte: an object per byte
 * would cost a hundred times what the limits count, so small chunks share blocks.
 */
export class ByteCollector {
  #chunks: Uint8Array[] = [];
  #block = noBytes;
  /** The range of the block whose bytes are not in a chunk yet: its beginning and its end. */
  #start = 0;
  #filled = 0;
  size = 0;

  push(chunk: Uint8Array): void {
    if (chunk.byteLength === 0) return;
    const first = this.size === 0;
    this.size += chunk.byteLength;
    if (first || chunk.byteLength >= LARGE_CHUNK) {
      this.#closeBlock();
      this.#chunks.push(chunk);
      return;
    }
    if (this.#filled + chunk.byteLength > this.#block.byteLength) {
      this.#closeBlock();
      this.#start = this.#filled = 0;
      this.#block = new Uint8Array(Math.min(64 * 1024, Math.max(LARGE_CHUNK, 2 * this.size)));
    }
    this.#block.set(chunk, this.#filled);
    this.#filled += chunk.byteLength;
  }

  /** All bytes, in memory of their own. */
  take(): Uint8Array {
    this.#closeBlock();
    const bytes = concatBytes(this.#chunks, this.size);
    this.#chunks = [];
    this.size = 0;
    return bytes;
  }

  /** All bytes for reading at once: the chunk itself where there is but one. */
  view(): Uint8Array {
    return this.#chunks.length === 1 && this.#filled === this.#start ? this.#chunks[0]! : this.take();
  }

  /** Makes a chunk of the filled range. Later bytes use the room behind it. */
  #closeBlock(): void {
    if (this.#filled > this.#start) this.#chunks.push(this.#block.subarray(this.#start, this.#filled));
    this.#start = this.#filled;
  }
}
