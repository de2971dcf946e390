import type { StreamBody } from '@linnet/common';
import { streamEnd } from '@linnet/common/internal';
import { CHUNK_BYTES, WINDOW } from './frame.js';

type Chunk = IteratorResult<Uint8Array, undefined>;

interface Waiting {
  readonly resolve: (chunk: Chunk) => void;
  readonly reject: (error: unknown) => void;
}

/** The sender of a body. */
export interface BodySender {
  /** Reports how many bytes the reader has taken in all. */
  taken(bytes: number): void;
  /** The reader has left before the end. */
  left(): void;
}

/** A body that arrives in frames: keeps what was not read, and reports what was. */
export class IncomingBody implements StreamBody {
  readonly #chunks: Uint8Array[] = [];
  #received = 0;
  #taken = 0;
  #reported = 0;
  /** Whether nothing more arrives. */
  #isOver = false;
  #failure: { readonly error: unknown } | undefined;
  #reader: Waiting | undefined;

  constructor(private readonly sender: BodySender) {}

  /** Bytes that have arrived. */
  get received(): number {
    return this.#received;
  }

  /**
   * Receives a piece.
   *
   * @param position the bytes before it, by the count of the sender
   * @throws Error if a piece is missing, or more arrives than the window allows
   */
  receive(position: number, content: Uint8Array): void {
    if (this.#isOver) return;
    if (position !== this.#received)
      throw new Error('A piece of a body was lost between NATS and its reader.');
    if (this.#received - this.#taken > WINDOW || content.byteLength > WINDOW + CHUNK_BYTES)
      throw new Error(`More than ${WINDOW} bytes of a body wait for their reader.`);
    this.#received += content.byteLength;
    const reader = this.#reader;
    if (!reader) {
      if (content.byteLength > 0) this.#chunks.push(content);
      return;
    }
    if (content.byteLength === 0) return;
    this.#reader = undefined;
    this.#count(content);
    reader.resolve({ done: false, value: content });
  }

  /** @param length the length of the body @throws Error if a piece is missing */
  end(length: number): void {
    if (this.#isOver) return;
    if (length !== this.#received) throw new Error('The end of a body was lost between NATS and its reader.');
    this.#isOver = true;
    this.#reader?.resolve(streamEnd);
    this.#reader = undefined;
  }

  /** Nothing more arrives. Waiting pieces are dropped. */
  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#failure = { error };
    this.#chunks.length = 0;
    this.#reader?.reject(error);
    this.#reader = undefined;
  }

  next(): Promise<Chunk> {
    const chunk = this.#chunks.shift();
    if (chunk) {
      this.#count(chunk);
      return Promise.resolve({ done: false, value: chunk });
    }
    if (this.#failure) return Promise.reject(this.#failure.error);
    if (this.#isOver) return Promise.resolve(streamEnd);
    return new Promise((resolve, reject) => (this.#reader = { resolve, reject }));
  }

  async return(): Promise<Chunk> {
    const isEarly = !this.#isOver;
    this.#isOver = true;
    this.#chunks.length = 0;
    this.#reader?.resolve(streamEnd);
    this.#reader = undefined;
    if (isEarly) this.sender.left();
    return streamEnd;
  }

  #count(chunk: Uint8Array): void {
    this.#taken += chunk.byteLength;
    if (this.#isOver || this.#taken - this.#reported < WINDOW / 4) return;
    this.#reported = this.#taken;
    this.sender.taken(this.#taken);
  }
}
