import type { Redis } from 'ioredis';

/** Frames of one read. */
const READ_FRAMES = 500;
/** How long a read waits for its first frame, in milliseconds. */
export const BLOCK_MS = 1_000;
/** How long a failed read waits before the next, in milliseconds. */
const PAUSE_MS = 50;

/** Receives the frames of an inbox. */
export interface InboxEvents {
  /** A frame, for a topic or for the node itself. Never throws. */
  frame(topic: string | undefined, frame: Uint8Array): void;
  /** Frames are gone: more waited than an inbox holds. */
  missed(): void;
}

/** Reads the inbox of a node, over a connection of its own, which is blocked meanwhile. */
export class InboxReader {
  #last = 0;
  #isClosed = false;

  constructor(
    private readonly redis: Redis,
    private readonly key: string,
    private readonly events: InboxEvents,
  ) {
    void this.#read();
  }

  /** The number of the last frame that was read. */
  get last(): number {
    return this.#last;
  }

  /** The inbox begins again. */
  restart(): void {
    this.#last = 0;
    // A read that waits for later frames is of no use.
    this.redis.disconnect(true);
  }

  close(): void {
    this.#isClosed = true;
    this.redis.disconnect();
  }

  async #read(): Promise<void> {
    while (!this.#isClosed) {
      const from = this.#last;
      try {
        const reply = (await this.redis.callBuffer(
          'XREAD',
          'COUNT',
          READ_FRAMES,
          'BLOCK',
          BLOCK_MS,
          'STREAMS',
          this.key,
          `${from}-0`,
        )) as [unknown, [Buffer, Buffer[]][]][] | null;
        // It began again meanwhile.
        if (from !== this.#last) continue;
        for (const [id, fields] of reply?.[0]?.[1] ?? [])
          this.#take(Number.parseInt(id.toString(), 10), fields);
      } catch {
        if (!this.#isClosed) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    }
  }

  #take(number: number, [to, frame]: Buffer[]): void {
    const isGap = number !== this.#last + 1;
    this.#last = number;
    if (isGap) this.events.missed();
    if (!to || !frame) return;
    const topic = to.toString();
    // Memory of its own: the chunk that it arrived in has other frames as well.
    this.events.frame(topic.startsWith('t') ? topic.slice(1) : undefined, Uint8Array.from(frame));
  }
}
