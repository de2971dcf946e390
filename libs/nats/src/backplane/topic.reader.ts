/** A frame of a topic, with the numbers that the stream has given it. */
export interface NumberedFrame {
  /** The number of the frame in the stream. */
  readonly seq: number;
  /** The number of the frame before it in the same topic; 0 for the first one. */
  readonly before: number;
  /** Whether it comes from this node. */
  readonly isOwn: boolean;
  readonly data: Uint8Array;
}

/** Gives access to the frames that the stream keeps of one topic. */
export interface KeptFrames {
  /** The first frame with this number or a higher one. */
  next(seq: number): Promise<Omit<NumberedFrame, 'before'> | undefined>;
  /** Whether the stream has dropped frames of any topic from this number on. */
  hasDropped(seq: number): Promise<boolean>;
}

/** Receives the frames of a topic. */
export interface TopicEvents {
  deliver(data: Uint8Array): void;
  /** Frames are lost: the stream does not keep them any more, or cannot be read. */
  missed(): void;
}

/** Most frames that wait while earlier ones are read from the stream. Later ones are read from it as well. */
const MOST_WAITING = 1000;

/** Brings the frames of a topic into their order, and reads those that did not arrive from the stream. */
export class TopicReader {
  /** The number of the last frame; `undefined` until it is known. */
  #last: number | undefined;
  #waiting: NumberedFrame[] = [];
  #isBusy = false;

  constructor(
    private readonly kept: KeptFrames,
    private readonly events: TopicEvents,
  ) {}

  /** Everything up to this number was published before. */
  begin(last: number): void {
    this.#last = last;
    void this.#drain();
  }

  /** Receives a frame as NATS brings it. */
  receive(frame: NumberedFrame): void {
    if (this.#waiting.length < MOST_WAITING) this.#waiting.push(frame);
    void this.#drain();
  }

  /** Reads the frames that did not arrive, up to a number. Never rejects. */
  async catchUp(upTo: number): Promise<void> {
    if (this.#last === undefined || this.#isBusy || upTo <= this.#last) return;
    await this.#reading(() => this.#fetch(upTo));
    await this.#drain();
  }

  async #drain(): Promise<void> {
    while (this.#last !== undefined && !this.#isBusy) {
      const frame = this.#waiting.shift();
      if (!frame) return;
      if (frame.seq <= this.#last) continue;
      if (frame.before > this.#last) await this.#reading(() => this.#fetch(frame.seq - 1));
      if (frame.seq > this.#last) this.#deliver(frame);
    }
  }

  async #reading(work: () => Promise<void>): Promise<void> {
    this.#isBusy = true;
    try {
      await work();
    } catch {
      this.events.missed();
    } finally {
      this.#isBusy = false;
    }
  }

  async #fetch(upTo: number): Promise<void> {
    if (await this.kept.hasDropped(this.#last! + 1)) this.events.missed();
    for (;;) {
      const frame = await this.kept.next(this.#last! + 1);
      if (!frame || frame.seq > upTo) return;
      this.#deliver(frame);
    }
  }

  #deliver({ seq, isOwn, data }: Omit<NumberedFrame, 'before'>): void {
    this.#last = seq;
    if (!isOwn) this.events.deliver(data);
  }
}
