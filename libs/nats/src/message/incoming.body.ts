import type { StreamBody } from '@linnet/common';
import { ItemQueue } from '@linnet/common/internal';
import { CHUNK_BYTES, WINDOW } from './frame.js';

type Chunk = IteratorResult<Uint8Array, undefined>;

/** The sender of a body. */
export interface BodySender {
  /** Reports how many bytes the reader has taken in all. */
  taken(bytes: number): void;
  /** The reader has left before the end. */
  left(): void;
}

/** A body that arrives in frames: keeps what was not read, and reports what was. */
export class IncomingBody implements StreamBody {
  readonly #pieces: ItemQueue;
  #received = 0;
  #taken = 0;
  #reported = 0;

  constructor(private readonly sender: BodySender) {
    this.#pieces = new ItemQueue({ taken: (bytes) => this.#count(bytes), left: () => sender.left() });
  }

  /**
   * Receives a piece.
   *
   * @param position the bytes before it, by the count of the sender
   * @throws Error if a piece is missing, or more arrives than the window allows
   */
  receive(position: number, content: Uint8Array): void {
    if (this.#pieces.isOver) return;
    const { byteLength } = content;
    if (position !== this.#received)
      throw new Error('A piece of a body was lost between NATS and its reader.');
    if (this.#pieces.bytes > WINDOW || byteLength > WINDOW + CHUNK_BYTES)
      throw new Error(`More than ${WINDOW} bytes of a body wait for their reader.`);
    this.#received += byteLength;
    if (byteLength > 0) this.#pieces.push(content, byteLength);
  }

  /** @param length the length of the body @throws Error if a piece is missing */
  end(length: number): void {
    if (this.#pieces.isOver) return;
    if (length !== this.#received) throw new Error('The end of a body was lost between NATS and its reader.');
    this.#pieces.end();
  }

  /** Nothing more arrives. Waiting pieces are dropped. */
  fail(error: unknown): void {
    if (!this.#pieces.isOver) this.#pieces.clear(error);
  }

  next(): Promise<Chunk> {
    return this.#pieces.next() as Promise<Chunk>;
  }

  return(): Promise<Chunk> {
    return this.#pieces.return();
  }

  #count(bytes: number): void {
    this.#taken += bytes;
    if (this.#pieces.isOver || this.#taken - this.#reported < WINDOW / 4) return;
    this.#reported = this.#taken;
    this.sender.taken(this.#taken);
  }
}
