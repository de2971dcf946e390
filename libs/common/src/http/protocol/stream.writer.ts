import { encodeBlocks } from '../../bytes/byte.blocks.js';
import { isBytes } from '../../bytes/bytes.js';
import { Fifo } from '../../base/fifo.js';
import { generalError } from '../../base/numbered.error.js';
import type { ErrorExposure } from '../../error/error.members.js';
import { encodeValue } from '../../value/value.codec.js';
import { EVENTS_TYPE, FRAME_HEAD, FrameKind, STREAM_TYPE } from './stream.frames.js';
import type { StreamFormat } from './stream.frames.js';

const encoder = new TextEncoder();

/** Larger byte strings are sent as they are. Smaller ones are copied, because each chunk of its own has a cost. */
const LARGEST_COPIED = 8 * 1024;
/** The size of a block that small pieces are collected in: the first one, and the largest one. */
const SMALLEST_BLOCK = 512;
const LARGEST_BLOCK = 64 * 1024;
/** The most bytes that UTF-8 takes for one code unit of a text. */
const UTF8_MOST = 3;
/** Blocks up to this size share memory, so that a short stream makes none of its own. */
const LARGEST_SHARED = 4 * 1024;

const noBytes = new Uint8Array(0);
let shared = noBytes;
let used = 0;

/** Memory that nobody else uses. */
function newBlock(bytes: number): Uint8Array<ArrayBuffer> {
  if (bytes > LARGEST_SHARED) return new Uint8Array(bytes);
  if (used + bytes > shared.byteLength) {
    shared = new Uint8Array(LARGEST_BLOCK);
    used = 0;
  }
  return shared.subarray(used, (used += bytes));
}

/** Collects small pieces in blocks, in the order of their sending, and keeps large byte strings apart. */
class OutgoingBytes {
  readonly #chunks = new Fifo<Uint8Array>();
  #block = noBytes;
  /** The range of the block that was not taken yet. */
  #start = 0;
  #filled = 0;
  #size = 0;
  /** The size of the next block. */
  #nextBlock = SMALLEST_BLOCK;

  /** Bytes that were not taken. */
  get size(): number {
    return this.#size;
  }

  /** Writes text. @returns its bytes */
  text(text: string): number {
    if (text.length * UTF8_MOST > LARGEST_BLOCK) {
      const bytes = encoder.encode(text);
      this.bytes(bytes);
      return bytes.byteLength;
    }
    this.#reserve(text.length * UTF8_MOST);
    const { written } = encoder.encodeInto(text, this.#block.subarray(this.#filled));
    this.#filled += written;
    this.#size += written;
    return written;
  }

  /** Writes bytes. Large ones must not change until they are taken. */
  bytes(bytes: Uint8Array): void {
    if (bytes.byteLength > LARGEST_COPIED) {
      this.#seal();
      this.#chunks.push(bytes);
    } else {
      this.#reserve(bytes.byteLength);
      this.#block.set(bytes, this.#filled);
      this.#filled += bytes.byteLength;
    }
    this.#size += bytes.byteLength;
  }

  /** Writes the head of a frame. */
  head(kind: number, length: number): void {
    this.#reserve(FRAME_HEAD);
    writeHead(this.#block, this.#filled, kind, length);
    this.#filled += FRAME_HEAD;
    this.#size += FRAME_HEAD;
  }

  /** Writes a frame with text, whose length is known only behind it. */
  framedText(kind: number, text: string): void {
    if (text.length * UTF8_MOST > LARGEST_BLOCK) {
      const bytes = encoder.encode(text);
      this.head(kind, bytes.byteLength);
      this.bytes(bytes);
      return;
    }
    this.#reserve(FRAME_HEAD + text.length * UTF8_MOST);
    const at = this.#filled;
    this.head(kind, 0);
    writeHead(this.#block, at, kind, this.text(text));
  }

  /** Takes the bytes up to the next large byte string, or all of them. */
  take(): Uint8Array {
    if (this.#chunks.size === 0) this.#seal();
    const chunk = this.#chunks.shift()!;
    this.#size -= chunk.byteLength;
    return chunk;
  }

  #reserve(bytes: number): void {
    if (this.#filled + bytes <= this.#block.byteLength) return;
    this.#seal();
    const length = Math.max(this.#nextBlock, bytes);
    this.#nextBlock = Math.min(LARGEST_BLOCK, 2 * length);
    this.#block = newBlock(length);
    this.#start = this.#filled = 0;
  }

  /** Makes a chunk of the pieces in the block. Further pieces go behind them. */
  #seal(): void {
    if (this.#filled > this.#start) this.#chunks.push(this.#block.subarray(this.#start, this.#filled));
    this.#start = this.#filled;
  }
}

function writeHead(block: Uint8Array, at: number, kind: number, length: number): void {
  block[at] = kind;
  for (let i = 0; i < FRAME_HEAD - 1; i++) block[at + 1 + i] = length >>> (8 * i);
}

/** Writes a stream as bytes. */
export interface StreamWriter {
  readonly contentType: string;
  /** Bytes that were not taken. */
  readonly size: number;
  /**
   * Writes an item.
   *
   * @param isKept whether a byte string stays as it is until it is sent. Others are copied
   * @throws NumberedError if it cannot be sent
   */
  item(value: unknown, isKept?: boolean): void;
  /** Writes the end. @param error JSON text of the members of an error */
  end(error?: string): void;
  /** Encodes a report of progress, in a format that has one. @throws NumberedError if it cannot be sent */
  progressText?(value: unknown): string;
  /** Writes an encoded report of progress. */
  progress?(text: string): void;
  /** Writes a sign of life. */
  keepAlive(): void;
  /** Takes bytes that were written. There are some. */
  take(): Uint8Array;
}

/** Writes frames (docs/wire-extension.md#101-frames). */
export class FrameWriter implements StreamWriter {
  readonly contentType = STREAM_TYPE;
  readonly #out = new OutgoingBytes();

  /** @param exposure which errors in items are visible */
  constructor(private readonly exposure?: ErrorExposure) {}

  get size(): number {
    return this.#out.size;
  }

  item(value: unknown, isKept = false): void {
    if (isBytes(value)) {
      // The producer may use its buffer again before the bytes are sent.
      const isCopied = !isKept && value.byteLength > LARGEST_COPIED;
      this.#bytes(FrameKind.Bytes, isCopied ? new Uint8Array(value) : value);
      return;
    }
    const { objects, data } = encodeValue(value, this.exposure);
    if (data.length === 0) this.#out.framedText(FrameKind.Value, objects);
    else this.#bytes(FrameKind.Blocks, encodeBlocks([encoder.encode(objects), ...data]));
  }

  end(error?: string): void {
    if (error === undefined) this.#out.head(FrameKind.End, 0);
    else this.#out.framedText(FrameKind.Error, error);
  }

  progressText(value: unknown): string {
    const { objects, data } = encodeValue(value, this.exposure);
    if (data.length > 0) throw generalError('The value cannot be sent: progress carries no bytes over HTTP.');
    return objects;
  }

  progress(text: string): void {
    this.#out.framedText(FrameKind.Progress, text);
  }

  keepAlive(): void {
    this.#out.head(FrameKind.KeepAlive, 0);
  }

  take(): Uint8Array {
    return this.#out.take();
  }

  #bytes(kind: number, bytes: Uint8Array): void {
    this.#out.head(kind, bytes.byteLength);
    this.#out.bytes(bytes);
  }
}

/** Writes server-sent events (docs/wire-extension.md#103-server-sent-events). */
export class EventWriter implements StreamWriter {
  readonly contentType = EVENTS_TYPE;
  readonly #out = new OutgoingBytes();
  #id: number | undefined;

  /**
   * @param lastId the number of the last item that the client has; `undefined` for a stream that cannot be resumed
   * @param exposure which errors in items are visible
   */
  constructor(
    lastId: number | undefined,
    private readonly exposure?: ErrorExposure,
  ) {
    this.#id = lastId;
  }

  get size(): number {
    return this.#out.size;
  }

  item(value: unknown): void {
    const { objects, data } = isBytes(value)
      ? { objects: '', data: [value] }
      : encodeValue(value, this.exposure);
    if (data.length > 0)
      throw generalError(
        'The value cannot be sent: server-sent events carry no bytes. Call the operation with a client of Linnet.',
      );
    const id = this.#id === undefined ? '' : `id: ${++this.#id}\n`;
    this.#out.text(`${id}data: ${objects}\n\n`);
  }

  end(error?: string): void {
    this.#out.text(error === undefined ? 'event: end\ndata:\n\n' : `event: error\ndata: ${error}\n\n`);
  }

  keepAlive(): void {
    this.#out.text(':\n\n');
  }

  take(): Uint8Array {
    return this.#out.take();
  }
}

/** The writer of a format. */
export function writerFor(
  format: StreamFormat,
  lastId: number | undefined,
  exposure?: ErrorExposure,
): StreamWriter {
  return format === 'events' ? new EventWriter(lastId, exposure) : new FrameWriter(exposure);
}
