import { unref } from '../../../base/timer.js';

/** The link whose connection a keepalive watches. */
export interface WatchedLink {
  /** How many messages the peer has acknowledged, and whether others wait for it. */
  progress(): { acknowledged: number; isWaiting: boolean };
  /** Requests a sign of life from the peer. */
  probe(): void;
  /** The peer gave no sign of life. */
  giveUp(): void;
}

/** Notices that a peer is gone, or that the last message before a silence was lost. */
export class DurableKeepalive {
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether a frame came since the last check, and the acknowledged messages at that time. */
  #heard = true;
  #seen = 0;
  #unanswered = 0;
  /** How many unanswered probes are allowed. */
  #patience = 1;

  /** @param intervalMs how long a peer may be silent before it is probed; it then has as long to answer. 0: never */
  constructor(
    private readonly intervalMs: number,
    private readonly watched: WatchedLink,
  ) {}

  start(): void {
    this.stop();
    this.#heard = true;
    this.#unanswered = 0;
    if (this.intervalMs > 0) this.#next();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** A frame has arrived, with messages or without. */
  heard(hasMessages: boolean): void {
    this.#heard = true;
    if (hasMessages) this.#patience = 1;
  }

  #next(): void {
    // After pending input: a process that was busy has not seen the answers yet.
    this.#wait(this.intervalMs, () => this.#wait(0, () => this.#check()));
  }

  #wait(milliseconds: number, then: () => void): void {
    // Only the connection keeps a Node process alive.
    this.#timer = unref(setTimeout(then, milliseconds));
  }

  #check(): void {
    this.#next();
    const { acknowledged, isWaiting } = this.watched.progress();
    if (this.#heard) this.#unanswered = 0;
    if (this.#unanswered >= this.#patience) {
      // A large message over a slow line looks like silence, too. The next connection has more time.
      this.#patience *= 2;
      this.watched.giveUp();
      return;
    }
    if (!this.#heard || (isWaiting && acknowledged === this.#seen)) {
      this.#unanswered++;
      this.watched.probe();
    }
    this.#heard = false;
    this.#seen = acknowledged;
  }
}
