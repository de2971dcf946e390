import { decodeBlocks } from '../../bytes/byte.blocks.js';
import { ByteCollector } from '../../bytes/bytes.js';
import { DEPTH, PARTS } from '../../base/limits.js';
import { notifyAll } from '../../base/settle.js';
import { streamEnd } from '../../stream/stream.js';
import type { StreamItems } from '../../stream/stream.js';
import { decodeValue } from '../../value/value.codec.js';
import type { StreamBody } from './message.js';
import { FRAME_HEAD, FrameKind } from './stream.frames.js';

/** Removes a byte order mark, as browsers do. */
const utf8 = new TextDecoder();

const noBytes = new Uint8Array(0);

/** A frame as it was read. Its content may be a view of received bytes. */
export interface Frame {
  readonly kind: number;
  readonly content: Uint8Array;
}

/** The most that a peer may send in one frame. */
export interface FrameLimits {
  /** Bytes of a frame. */
  readonly bytes: number;
  /** Bytes of the JSON text in a frame. */
  readonly text: number;
  /** Names the limit in errors. */
  readonly bytesName: string;
  readonly textName: string;
}

/** A stream that breaks the rules of its frames, or a limit. */
export class FrameError extends Error {}

/** Finds frames in bytes that arrive in pieces of any size. */
export class FrameReader {
  #chunk: Uint8Array = noBytes;
  #at = 0;
  /** The head of the current frame: its bytes until all are there, then what they say. */
  readonly #head = new Uint8Array(FRAME_HEAD);
  #headBytes = 0;
  #length = 0;
  #content = new ByteCollector();

  constructor(private readonly limits: FrameLimits) {}

  /** Bytes of a frame that has not arrived whole. */
  get partial(): number {
    return this.#content.size;
  }

  /** Drops a frame that has not arrived whole. No frame can be read any more. */
  discard(): void {
    if (this.#content.size > 0) this.#content = new ByteCollector();
  }

  /** Whether the last byte was the end of a frame. */
  get isBetween(): boolean {
    return this.#headBytes === 0 && this.#at === this.#chunk.byteLength;
  }

  /** Adds received bytes. Every frame of the earlier ones must have been read. */
  push(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /**
   * Reads the next frame.
   *
   * @returns `undefined` if more bytes are needed
   * @throws FrameError if the frame is larger than a limit, or of no known kind
   */
  next(): Frame | undefined {
    if (this.#headBytes < FRAME_HEAD && !this.#readHead()) return undefined;
    const missing = this.#length - this.#content.size;
    const piece = this.#chunk.subarray(this.#at, this.#at + missing);
    this.#at += piece.byteLength;
    if (piece.byteLength < missing) {
      this.#content.push(piece);
      this.#chunk = noBytes;
      this.#at = 0;
      return undefined;
    }
    this.#headBytes = 0;
    const kind = this.#head[0]!;
    // In one piece it needs no copy.
    if (this.#content.size === 0) return { kind, content: piece };
    this.#content.push(piece);
    return { kind, content: this.#content.take() };
  }

  #readHead(): boolean {
    while (this.#headBytes < FRAME_HEAD) {
      if (this.#at === this.#chunk.byteLength) return false;
      this.#head[this.#headBytes++] = this.#chunk[this.#at++]!;
    }
    const [kind, a, b, c, d] = this.#head as unknown as [number, number, number, number, number];
    this.#length = a + b * 0x100 + c * 0x1_0000 + d * 0x100_0000;
    this.#check(kind, this.#length);
    return true;
  }

  #check(kind: number, length: number): void {
    const { bytes, text, bytesName, textName } = this.limits;
    if (kind > FrameKind.Progress) throw new FrameError(`A frame has the unknown kind ${kind}.`);
    const isEmpty = kind === FrameKind.KeepAlive || kind === FrameKind.End;
    if (isEmpty && length > 0) throw new FrameError(`A frame of kind ${kind} has content.`);
    const isText = kind === FrameKind.Value || kind === FrameKind.Error || kind === FrameKind.Progress;
    if (isText && !(length <= text)) throw new FrameError(`more than ${text} bytes of text: ${textName}`);
    if (!(length <= bytes)) throw new FrameError(`A frame has more than ${bytes} bytes: ${bytesName}.`);
  }
}

/** The value of a frame with text. @throws NumberedError if it is not valid */
function readText(content: Uint8Array, depth: number, stream?: () => object): unknown {
  return decodeValue(utf8.decode(content), [], depth, stream);
}

/**
 * The item of a frame.
 *
 * @param stream replaces the marker of a stream
 * @throws FrameError if the frame breaks the rules, NumberedError if its value is not valid
 */
export function readItem(
  { kind, content }: Frame,
  limits: FrameLimits,
  depth: number,
  parts: number,
  stream?: () => object,
): unknown {
  if (kind === FrameKind.Value) return readText(content, depth, stream);
  // Memory of its own: it may be sent to a worker, which takes its whole buffer.
  if (kind === FrameKind.Bytes) return content.slice();
  if (kind !== FrameKind.Blocks) throw new FrameError(`A frame of kind ${kind} is not an item.`);
  const blocks = decodeBlocks(content, parts + 1);
  const [objects, ...data] = blocks ?? [];
  if (!objects) throw new FrameError('A frame has malformed blocks.');
  if (!(objects.byteLength <= limits.text))
    throw new FrameError(`more than ${limits.text} bytes of text: ${limits.textName}`);
  const memory = data.map((bytes) => bytes.slice());
  return decodeValue(utf8.decode(objects), memory, depth, stream);
}

/** Makes the errors of a stream that arrives. */
export interface StreamErrors {
  /** The sender has ended the stream with an error. */
  rebuild(members: unknown): unknown;
  /** The stream cannot be read, or has ended without its end. */
  broken(reason: string): unknown;
}

/** Reads the items of a stream, and no byte before it is needed. */
export class StreamReader implements StreamItems {
  readonly #frames: FrameReader;
  #isOver = false;

  constructor(
    private readonly body: StreamBody,
    private readonly limits: FrameLimits,
    private readonly errors: StreamErrors,
    private readonly onProgress: ((value: unknown) => void) | undefined,
  ) {
    this.#frames = new FrameReader(limits);
  }

  async next(): Promise<IteratorResult<unknown, undefined>> {
    while (!this.#isOver) {
      const frame = this.#decode(() => this.#frames.next());
      if (!frame) await this.#receive();
      else if (frame.kind === FrameKind.End) this.#end();
      else if (frame.kind === FrameKind.Error) {
        const members = this.#decode(() => readText(frame.content, DEPTH));
        this.#end();
        throw this.errors.rebuild(members);
      } else if (frame.kind === FrameKind.Progress) {
        const value = this.#decode(() => readText(frame.content, DEPTH));
        notifyAll([this.onProgress], (listener) => listener?.(value));
      } else if (frame.kind !== FrameKind.KeepAlive)
        return { done: false, value: this.#decode(() => readItem(frame, this.limits, DEPTH, PARTS)) };
    }
    return streamEnd;
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    const isEarly = !this.#isOver;
    this.#isOver = true;
    if (isEarly) await this.#leave();
    return streamEnd;
  }

  async #receive(): Promise<void> {
    let chunk: IteratorResult<Uint8Array, undefined>;
    try {
      chunk = await this.body.next();
    } catch (error) {
      this.#isOver = true;
      throw error;
    }
    if (!chunk.done) this.#frames.push(chunk.value);
    // A reader that has left ends the body, too.
    else if (!this.#isOver) {
      this.#isOver = true;
      throw this.errors.broken('The connection ended before the stream.');
    }
  }

  #decode<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      this.#isOver = true;
      void this.#leave();
      throw this.errors.broken((error as Error).message);
    }
  }

  /** Reads to the end of the body, so that its connection can be used again. Nobody waits for that. */
  #end(): void {
    this.#isOver = true;
    const over = (chunk: { done?: boolean | undefined }) => (chunk.done ? undefined : this.#leave());
    this.body.next().then(over, () => undefined);
  }

  async #leave(): Promise<void> {
    await this.body.return().catch(() => undefined);
  }
}
