import type { StreamBody } from '@linnet/common';
import { leaveItems, streamEnd } from '@linnet/common/internal';
import { CHUNK_BYTES, NATS_FRAME_HEAD, NatsFrameKind, WINDOW, writeFrame } from './frame.js';

/** Sends a body in frames, never more than a window ahead of its reader. */
export class OutgoingBody {
  #sent = 0;
  #taken = 0;
  #isOver = false;
  #resume: (() => void) | undefined;
  readonly #chunkBytes: number;

  /** @param mostBytes the longest message that NATS carries */
  constructor(
    private readonly body: StreamBody,
    mostBytes: number,
    private readonly publish: (frame: Uint8Array) => void,
  ) {
    this.#chunkBytes = Math.max(1, Math.min(CHUNK_BYTES, mostBytes - NATS_FRAME_HEAD));
  }

  /**
   * Sends the body to its end, or until it is stopped.
   *
   * @throws (rejection) the error of the producer, or of a connection that is closed
   */
  async send(): Promise<void> {
    for (;;) {
      const { done, value } = await this.body.next();
      if (this.#isOver) return;
      if (done) break;
      for (let at = 0; at < value.byteLength; at += this.#chunkBytes) {
        if (this.#sent - this.#taken >= WINDOW)
          await new Promise<void>((resolve) => (this.#resume = resolve));
        if (this.#isOver) return;
        const content = value.subarray(at, at + this.#chunkBytes);
        this.publish(writeFrame(NatsFrameKind.Chunk, this.#sent, content));
        this.#sent += content.byteLength;
      }
    }
    this.#isOver = true;
    this.publish(writeFrame(NatsFrameKind.End, this.#sent));
  }

  /** The reader has taken so many bytes in all. @throws Error if more were taken than were sent */
  taken(bytes: number): void {
    if (bytes > this.#sent) throw new Error('More bytes were taken than were sent.');
    this.#taken = Math.max(this.#taken, bytes);
    this.#wake();
  }

  /** Stops the producer. */
  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    leaveItems(this.body);
    this.#wake();
  }

  #wake(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }
}

/** Byte strings as a body. */
export function bodyOf(parts: readonly Uint8Array[]): StreamBody {
  const rest = parts.values();
  return {
    async next() {
      const { done, value } = rest.next();
      return done ? streamEnd : { done: false, value };
    },
    return: async () => streamEnd,
  };
}
