/** What is asked of, and done with, the connection that is watched. */
export interface Watched {
  /** How many messages the peer has acknowledged, and whether there are others. */
  progress(): { acknowledged: number; isWaiting: boolean };
  /** Asks the peer for a sign of life. */
  probe(): void;
  /** The peer gave none. */
  giveUp(): void;
}

/** Finds out that a peer is gone, or lacks a message after which there was silence. */
export class DurableKeepalive {
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Since the last look: whether the peer was heard, and what it had acknowledged. */
  #heard = true;
  #seen = 0;
  #unanswered = 0;
  /** How many probes may be left unanswered. */
  #patience = 1;

  /** @param intervalMs how long a peer may be silent before it is probed; it then has as long to answer. 0: never */
  constructor(
    private readonly intervalMs: number,
    private readonly watched: Watched,
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

  /** A frame has come; with messages, or without. */
  heard(hasMessages: boolean): void {
    this.#heard = true;
    if (hasMessages) this.#patience = 1;
  }

  #next(): void {
    // Behind what is there to be read: a process that was busy has not yet seen the answers.
    this.#wait(this.intervalMs, () => this.#wait(0, () => this.#look()));
  }

  #wait(milliseconds: number, then: () => void): void {
    this.#timer = setTimeout(then, milliseconds);
    // Nothing but the connection keeps a process of Node's alive.
    (this.#timer as { unref?: () => void }).unref?.();
  }

  #look(): void {
    this.#next();
    const { acknowledged, isWaiting } = this.watched.progress();
    if (this.#heard) this.#unanswered = 0;
    if (this.#unanswered >= this.#patience) {
      // A large message over a slow line is silence, too: the next connection has more time.
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
