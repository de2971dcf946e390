/** A frame that the stream keeps. */
export interface KeptFrame {
  /** The number of the frame in the stream. */
  readonly seq: number;
  /** Whether it comes from this node. */
  readonly isOwn: boolean;
  readonly data: Uint8Array;
}

/** A frame as NATS brings it, with the numbers that the stream has given it. */
export interface NumberedFrame extends KeptFrame {
  readonly topic: string;
  /** The number of the frame before it in the same topic; 0 for the first one. */
  readonly before: number;
}

/** Gives access to the frames that the stream keeps. */
interface KeptFrames {
  /** The first frame of a topic with this number or a higher one. */
  next(topic: string, seq: number): Promise<KeptFrame | undefined>;
  /** Whether the stream has dropped frames from this number on. */
  hasDropped(seq: number): Promise<boolean>;
}

/** Receives the frames of all topics. */
export interface LogEvents {
  deliver(topic: string, data: Uint8Array): void;
  /** Frames may be lost: the stream does not keep them any more, or cannot be read. */
  missed(): void;
}

/** Most frames that wait while earlier ones are read from the stream. Later ones are read from it as well. */
const MOST_WAITING = 1000;
/** Bytes of those frames. */
const MOST_WAITING_BYTES = 16 * 1024 * 1024;
/** How often the stream is tried before frames are given up. */
const ATTEMPTS = 10;
/** The pause between two attempts, in milliseconds. */
const AGAIN_MS = 500;

/** Brings the frames of all topics into the order of the stream, and reads those that did not arrive from it. */
export class LogReader {
  /** The number up to which each topic is read; `undefined` until something is known. */
  readonly #last = new Map<string, number | undefined>();
  /** The number up to which everything is read. */
  #position = 0;
  #waiting: NumberedFrame[] = [];
  #waitingBytes = 0;
  /** The highest number of frames that found no place among the waiting ones. */
  #skipped = 0;
  /** The number up to which the stream is to be read before anything else; 0 for nothing. */
  #wanted = 0;
  #isPaused = false;
  #isBusy = false;
  /** How often the stream was replaced, which has other numbers then: a read that began before is abandoned. */
  #restarts = 0;

  constructor(
    private readonly kept: KeptFrames,
    private readonly events: LogEvents,
  ) {}

  /** The number up to which everything is read. */
  get position(): number {
    return this.#position;
  }

  /** Frames of a topic are delivered from now on. */
  add(topic: string): void {
    this.#last.set(topic, undefined);
  }

  /** Everything in a topic up to this number was published before it was added. */
  begin(topic: string, last: number): void {
    // A frame that has arrived meanwhile knows it better.
    if (this.#last.has(topic) && this.#last.get(topic) === undefined) this.#last.set(topic, last);
    this.mark(last);
  }

  /** Everything up to this number has arrived, whichever topics it belongs to. */
  mark(seq: number): void {
    if (!this.#isPaused && !this.#isBusy) this.#position = Math.max(this.#position, seq);
  }

  remove(topic: string): void {
    this.#last.delete(topic);
  }

  /** The connection is lost: what arrives later waits for {@link catchUp}. */
  pause(): void {
    this.#isPaused = true;
  }

  /** The connection is there again: frames up to this number that did not arrive are read from the stream. */
  catchUp(upTo: number): void {
    this.#wanted = Math.max(this.#wanted, upTo);
    this.#isPaused = false;
    void this.#run();
  }

  /** The stream is another one, and its numbers begin again: all that it has is new. */
  restart(): void {
    this.#restarts++;
    for (const topic of this.#last.keys()) this.#last.set(topic, 0);
    this.#position = this.#wanted = this.#skipped = this.#waitingBytes = 0;
    this.#waiting = [];
  }

  /** Receives a frame as NATS brings it. One whose numbers do not rise is not from NATS, and is ignored. */
  receive(frame: NumberedFrame): void {
    if (frame.before >= frame.seq) return;
    const { byteLength } = frame.data;
    const isFull =
      this.#waiting.length >= MOST_WAITING || this.#waitingBytes + byteLength > MOST_WAITING_BYTES;
    // All that follow a frame without a place are left out as well, so that the order stays.
    if (this.#skipped > 0 || isFull) this.#skipped = Math.max(this.#skipped, frame.seq);
    else {
      this.#waiting.push(frame);
      this.#waitingBytes += byteLength;
    }
    void this.#run();
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    while (!this.#isPaused) {
      if (this.#wanted > 0) await this.#readUpTo(this.#wanted);
      else if (this.#waiting.length > 0) this.#take(this.#waiting[0]!);
      else if (this.#skipped > 0) {
        this.#wanted = this.#skipped;
        this.#skipped = 0;
      } else break;
    }
    this.#isBusy = false;
  }

  /** Takes the first frame that waits, or finds that there are frames before it. */
  #take(frame: NumberedFrame): void {
    const { topic, seq, before } = frame;
    const last = this.#last.get(topic) ?? before;
    if (this.#last.has(topic) && before > last) {
      this.#wanted = seq - 1;
      return;
    }
    this.#waiting.shift();
    this.#waitingBytes -= frame.data.byteLength;
    if (seq > last) this.#deliver(topic, frame);
  }

  async #readUpTo(upTo: number): Promise<void> {
    const restarts = this.#restarts;
    // A topic that begins meanwhile has its number from the stream, and waits for nothing.
    const topics = [...this.#last].filter(([, last]) => last !== undefined).map(([topic]) => topic);
    for (let attempt = 1; ; attempt++) {
      try {
        if (topics.length > 0) await this.#merge(topics, upTo);
        break;
      } catch {
        // The return of the connection reads again.
        if (this.#isPaused || restarts !== this.#restarts) return;
        if (attempt === ATTEMPTS) {
          this.events.missed();
          break;
        }
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
    if (restarts !== this.#restarts) return;
    for (const topic of topics) if (this.#last.get(topic)! < upTo) this.#last.set(topic, upTo);
    this.#position = Math.max(this.#position, upTo);
    if (this.#wanted <= upTo) this.#wanted = 0;
  }

  /** Reads topics in the order of the stream. */
  async #merge(topics: readonly string[], upTo: number): Promise<void> {
    const restarts = this.#restarts;
    if (await this.kept.hasDropped(this.#position + 1)) {
      this.events.missed();
      this.#position = upTo;
    }
    const heads = new Map<string, KeptFrame>();
    const find = async (topic: string): Promise<void> => {
      const last = this.#last.get(topic);
      const found = last === undefined || last >= upTo ? undefined : await this.kept.next(topic, last + 1);
      if (found && found.seq <= upTo) heads.set(topic, found);
      else heads.delete(topic);
    };
    await Promise.all(topics.map(find));
    while (heads.size > 0 && restarts === this.#restarts) {
      const [topic, frame] = [...heads].reduce((a, b) => (a[1].seq < b[1].seq ? a : b));
      this.#deliver(topic, frame);
      await find(topic);
    }
  }

  #deliver(topic: string, { seq, isOwn, data }: KeptFrame): void {
    if (!this.#last.has(topic)) return;
    this.#last.set(topic, seq);
    this.#position = Math.max(this.#position, seq);
    if (!isOwn) this.events.deliver(topic, data);
  }
}
