/** Decodes bytes as text, including a byte order mark. */
export const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** Whether a value is binary on the wire: a `Uint8Array` of any realm, including a Node `Buffer`. */
export function isBytes(value: unknown): value is Uint8Array {
  return ArrayBuffer.isView(value) && (value as Uint8Array)[Symbol.toStringTag] === 'Uint8Array';
}

/** Copies byte strings into one with memory of its own. */
export function concatBytes(parts: readonly Uint8Array[], total: number): Uint8Array {
  const bytes = new Uint8Array(total);
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.byteLength;
  }
  return bytes;
}

/** Joins byte strings. A single one is returned without a copy. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  return concatBytes(
    parts,
    parts.reduce((sum, { byteLength }) => sum + byteLength, 0),
  );
}

const noBytes = new Uint8Array(0);

/** Chunks of at least this size are kept as they are. Smaller ones are copied into shared blocks. */
const LARGE_CHUNK = 4096;

/**
 * Collects a byte string that arrives in chunks. If a peer sends a body byte by byte, an object for each byte would take
 * a hundred times the memory that the limits count. Small chunks therefore share blocks.
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

  /** A copy of all bytes. */
  take(): Uint8Array {
    this.#closeBlock();
    const bytes = concatBytes(this.#chunks, this.size);
    this.#chunks = [];
    this.size = 0;
    return bytes;
  }

  /** All bytes, to be read at once: a single chunk is returned without a copy. */
  view(): Uint8Array {
    return this.#chunks.length === 1 && this.#filled === this.#start ? this.#chunks[0]! : this.take();
  }

  /** Makes a chunk of the filled range. Later bytes use the space behind it. */
  #closeBlock(): void {
    if (this.#filled > this.#start) this.#chunks.push(this.#block.subarray(this.#start, this.#filled));
    this.#start = this.#filled;
  }
}
