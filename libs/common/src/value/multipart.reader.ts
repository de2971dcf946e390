import { ByteCollector, concatBytes, utf8 } from '../bytes/bytes.js';
import { ByteSearch } from '../bytes/byte.search.js';
import { fieldName, MultipartError } from './multipart.codec.js';
import type { Part } from './multipart.codec.js';
import type { WireLimits } from '../base/limits.js';

const encoder = new TextEncoder();
const CRLF = encoder.encode('\r\n');
const CR = 0x0d;
const noBytes = new Uint8Array(0);

/** Receives a part while it arrives. */
export interface PartSink {
  data(bytes: Uint8Array): void;
  end(): void;
}

/** Reads a multipart body as it arrives. Bytes of a part are copied once, into new memory. */
export class MultipartReader {
  readonly #parts: Part[] = [];
  readonly #search: ByteSearch;
  #state: 'preamble' | 'delimiter' | 'header' | 'data' | 'done' = 'preamble';
  /** Bytes that are searched again when more arrive. */
  #rest: Uint8Array = CRLF; // so that the first delimiter also has a line break before it
  /** The number of these bytes that surely contain no end of a header. */
  #searched = 0;
  /** The memory of these bytes, with space for more. */
  #block = noBytes;
  #name = '';
  #sink: PartSink | undefined;
  readonly #bytes = new ByteCollector();
  /** Bytes of the header's end that still precede the data of the part. */
  #skip = 0;

  constructor(
    boundary: string,
    private readonly limits: Pick<WireLimits, 'parts' | 'partHeaderBytes'>,
    /** Returns the sink of a part that is not kept; `undefined` for any other part. */
    private readonly sinkOf: (name: string, before: readonly Part[]) => PartSink | undefined = () =>
      undefined,
  ) {
    this.#search = new ByteSearch(encoder.encode(`\r\n--${boundary}`));
  }

  /** @throws MultipartError */
  push(chunk: Uint8Array): void {
    let bytes = chunk;
    const rest = this.#rest;
    if (rest.byteLength > 0) {
      this.#rest = noBytes;
      const searching = this.#state === 'data' || this.#state === 'preamble';
      bytes = searching ? this.#bridge(rest, chunk) : this.#append(rest, chunk);
    }
    while (bytes.byteLength > 0 && this.#state !== 'done') {
      const next = this.#step(bytes);
      if (next === undefined) break;
      bytes = next;
    }
  }

  /** @throws MultipartError if the body ended before its last delimiter */
  end(): readonly Part[] {
    if (this.#state !== 'done') throw new MultipartError('The multipart body is truncated.');
    return this.#parts;
  }

  /**
   * Searches for a delimiter that began in the bytes kept from the previous chunk. It searches a window around the seam,
   * so that the chunk is not copied.
   */
  #bridge(kept: Uint8Array, chunk: Uint8Array): Uint8Array {
    const reach = Math.min(chunk.byteLength, this.#search.length - 1);
    const seam = concatBytes([kept, chunk.subarray(0, reach)], kept.byteLength + reach);
    const found = this.#search.find(seam);
    if (found >= 0) {
      this.#data(seam.subarray(0, found));
      this.#closePart();
      return chunk.subarray(found + this.#search.length - kept.byteLength);
    }
    if (reach === chunk.byteLength) {
      // The chunk is shorter than a delimiter, so the window holds all bytes and waits for more.
      this.#keepTail(seam);
      return noBytes;
    }
    this.#data(kept);
    return chunk;
  }

  /** Reads one piece of syntax. @returns the bytes behind it; `undefined` if more bytes are needed */
  #step(bytes: Uint8Array): Uint8Array | undefined {
    if (this.#state === 'delimiter') return this.#afterDelimiter(bytes);
    if (this.#state === 'header') return this.#header(bytes);
    const found = this.#search.find(bytes);
    if (found < 0) return this.#keepTail(bytes);
    this.#data(bytes.subarray(0, found));
    this.#closePart();
    return bytes.subarray(found + this.#search.length);
  }

  /** Keeps the bytes that may begin a delimiter. */
  #keepTail(bytes: Uint8Array): undefined {
    const start = bytes.indexOf(CR, Math.max(0, bytes.byteLength - this.#search.length + 1));
    this.#data(start < 0 ? bytes : bytes.subarray(0, start));
    if (start >= 0) this.#rest = bytes.subarray(start);
    return undefined;
  }

  #data(bytes: Uint8Array): void {
    if (this.#state !== 'data') return;
    const skipped = Math.min(this.#skip, bytes.byteLength);
    this.#skip -= skipped;
    const data = bytes.subarray(skipped);
    if (!this.#sink) this.#bytes.push(data);
    else if (data.byteLength > 0) this.#sink.data(data);
  }

  #closePart(): void {
    if (this.#state === 'data') {
      if (this.#sink) this.#sink.end();
      else this.#parts.push({ name: this.#name, bytes: this.#bytes.take() });
      this.#sink = undefined;
    }
    this.#state = 'delimiter';
  }

  /** Reads the end of a delimiter: `--` ends the body, a line break (after optional blanks) begins a part. */
  #afterDelimiter(bytes: Uint8Array): Uint8Array | undefined {
    if (bytes.byteLength < 2) return this.#wait(bytes);
    if (bytes[0] === 0x2d && bytes[1] === 0x2d) {
      this.#state = 'done';
      return noBytes;
    }
    let i = 0;
    while (i < bytes.byteLength && (bytes[i] === 0x20 || bytes[i] === 0x09)) i++;
    if (i > 100) throw new MultipartError('A multipart delimiter is malformed.');
    if (bytes.byteLength < i + 2) return this.#wait(bytes);
    if (bytes[i] !== 0x0d || bytes[i + 1] !== 0x0a)
      throw new MultipartError('A multipart delimiter is malformed.');
    if (this.#parts.length >= this.limits.parts)
      throw new MultipartError(`The multipart body has more than ${this.limits.parts} parts.`);
    this.#state = 'header';
    // The line break stays: a part without headers has an empty line right here.
    return bytes.subarray(i);
  }

  /** Appends a chunk to the kept bytes. Each small chunk is copied once, without copying the kept bytes again. */
  #append(kept: Uint8Array, chunk: Uint8Array): Uint8Array {
    const total = kept.byteLength + chunk.byteLength;
    if (kept.buffer !== this.#block.buffer || kept.byteOffset + total > this.#block.byteLength) {
      // Leaves space for more small chunks.
      this.#block = new Uint8Array(chunk.byteLength < kept.byteLength ? 2 * total : total);
      this.#block.set(kept);
      this.#block.set(chunk, kept.byteLength);
      return this.#block.subarray(0, total);
    }
    this.#block.set(chunk, kept.byteOffset + kept.byteLength);
    return this.#block.subarray(kept.byteOffset, kept.byteOffset + total);
  }

  #header(bytes: Uint8Array): Uint8Array | undefined {
    // The end may have begun in the bytes that were searched before.
    const from = Math.max(0, this.#searched - 3);
    const found = endOfHeader.find(bytes.subarray(from));
    const end = found < 0 ? found : from + found;
    if ((end < 0 ? bytes.byteLength : end) > this.limits.partHeaderBytes)
      throw new MultipartError('The header of a part is too long.');
    this.#searched = end < 0 ? bytes.byteLength : 0;
    if (end < 0) return this.#wait(bytes);
    this.#name = fieldName(utf8.decode(bytes.subarray(0, end)));
    this.#sink = this.sinkOf(this.#name, this.#parts);
    this.#state = 'data';
    // The last line break of the header stays, because a delimiter begins with it if a part has no body.
    this.#skip = 2;
    return bytes.subarray(end + 2);
  }

  #wait(bytes: Uint8Array): undefined {
    this.#rest = bytes;
    return undefined;
  }
}

const endOfHeader = new ByteSearch(encoder.encode('\r\n\r\n'));
