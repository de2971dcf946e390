import { Fifo } from './fifo.js';

/**
 * Steps of work in one turn of the event loop, over all connections of the process. A step is one message, which takes
 * some tens of microseconds at the most without the application's own code.
 */
export const TURN_STEPS = 128;
/** Steps of one connection after another, where several have work to do. */
const SHARE = 32;
/** Bytes of a frame whose parsing counts as one step. */
const STEP_BYTES = 1024;

interface Platform {
  readonly setImmediate?: (work: () => void) => unknown;
  readonly setTimeout: (work: () => void, milliseconds: number) => unknown;
  readonly MessageChannel?: new () => {
    readonly port1: { onmessage: () => void };
    readonly port2: { postMessage(message: unknown): void };
  };
}

// Read once: a test that replaces timers does not stop the work.
const { setImmediate, setTimeout, MessageChannel } = globalThis as unknown as Platform;
let channel: InstanceType<NonNullable<Platform['MessageChannel']>> | undefined;
/** The functions that the messages of the channel call, one each. */
const works = new Fifo<() => void>();

/** Calls a function behind the events that wait already. Browsers delay timers of hidden pages, but no messages. */
export function afterEvents(work: () => void): void {
  if (setImmediate) setImmediate(work);
  else if (MessageChannel) {
    channel ??= openChannel(MessageChannel);
    works.push(work);
    channel.port2.postMessage(0);
  } else setTimeout(work, 0);
}

function openChannel(Channel: NonNullable<Platform['MessageChannel']>): NonNullable<typeof channel> {
  const opened = new Channel();
  // eslint-disable-next-line unicorn/prefer-add-event-listener -- this starts the port as well
  opened.port1.onmessage = () => works.shift()?.();
  return opened;
}

let left = TURN_STEPS;
/** Connections that may go on in this turn, and have not yet. */
let granted = 0;
let isScheduled = false;
const waiting = new Set<Slices>();

/** Counts work of this turn that is not a step: the parsing of so many bytes. */
export function countBytes(bytes: number): void {
  left -= Math.floor(bytes / STEP_BYTES);
}

function schedule(): void {
  if (isScheduled) return;
  isScheduled = true;
  afterEvents(nextTurn);
}

function nextTurn(): void {
  isScheduled = false;
  left = TURN_STEPS;
  let shares = TURN_STEPS / SHARE;
  for (const each of waiting) {
    if (shares-- <= 0) break;
    waiting.delete(each);
    granted++;
    each.grant();
  }
  if (waiting.size > 0) schedule();
}

/** Work that is done in slices, between which other connections and other events have their turn. */
export class Slices {
  #isRunning = false;
  #isWaiting = false;
  /** Lets the next slice begin. */
  grant: () => void = () => undefined;

  /**
   * @param step does the next piece of the work; returns whether there is another
   * @param sliced called after each slice
   */
  constructor(
    private readonly step: () => boolean,
    private readonly sliced: () => void = () => undefined,
  ) {}

  /** Whether work waits for its next slice. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** Does the work there is: now, and the rest in later turns. */
  go(): void {
    if (this.#isRunning || this.#isWaiting) return;
    this.#isRunning = true;
    let isMore = true;
    try {
      for (let steps = 0; isMore && left > 0 && (steps < SHARE || waiting.size + granted === 0); steps++) {
        left--;
        isMore = this.step();
      }
    } finally {
      this.#isRunning = false;
    }
    if (isMore) this.#wait();
    this.sliced();
  }

  /** Does nothing more of the work, until it is asked to go on. */
  stop(): void {
    if (!this.#isWaiting) return;
    this.#isWaiting = false;
    waiting.delete(this);
  }

  #wait(): void {
    this.#isWaiting = true;
    // Code behind a promise has the asynchronous context of this place, and not that of whoever grants it.
    void new Promise<void>((resolve) => (this.grant = resolve)).then(() => {
      granted--;
      if (!this.#isWaiting) return;
      this.stop();
      this.go();
    });
    waiting.add(this);
    schedule();
  }
}
