import { ByteBudget } from '../../bytes/byte.budget.js';
import { unref } from '../../base/timer.js';
import { INTERRUPTED } from '../wire/durable/link.js';

/** How long a frontend over a network may take to send its client hello, and then its session to be found, in milliseconds. */
const HANDSHAKE_MS = 10_000;

/** The reason why a pending connection ends. */
type PendingEnd = readonly [code: number, reason: string];

/** Connections over a network that are in one step of their handshake. */
export class PendingHandshakes {
  readonly #pending: ByteBudget<() => void>;

  /**
   * @param limit how many can be pending
   * @param late ends a connection whose time is over
   * @param crowded ends a connection in whose place another one comes
   */
  constructor(
    limit: number,
    private readonly late: PendingEnd,
    private readonly crowded: PendingEnd,
  ) {
    this.#pending = new ByteBudget(limit);
  }

  /** Whether another connection finds a place, if necessary in place of one of the user with most. */
  hasSpace(owner: string): boolean {
    return this.#pending.amount < this.#pending.limit || this.#pending.above(owner).length > 0;
  }

  /**
   * Adds a connection.
   *
   * @param end ends the connection
   * @returns a function that removes the connection
   */
  add(owner: string, end: (...reason: PendingEnd) => void): () => void {
    const timer = unref(setTimeout(() => end(...this.late), HANDSHAKE_MS));
    const place = this.#pending.share(owner, () => end(...this.crowded));
    // The oldest one of the user with most makes space.
    if (this.#pending.amount >= this.#pending.limit) this.#pending.above(owner)[0]?.holder();
    place.add(1);
    return () => {
      clearTimeout(timer);
      place.clear();
    };
  }
}

/**
 * The two steps of handshakes, each with places of its own: frontends whose sessions take long to be found, because other nodes are
 * slow, keep nobody else from beginning.
 */
export class HandshakeSteps {
  /** Connections whose client hello has not arrived yet. */
  readonly hellos: PendingHandshakes;
  /** Connections whose session is looked for on other nodes. */
  readonly searches: PendingHandshakes;

  /** @param limit how many can be in the first step @param sessions and in the second */
  constructor(limit: number, sessions: number) {
    const noHello: PendingEnd = [1002, 'There was no client hello.'];
    this.hellos = new PendingHandshakes(limit, noHello, [1013, 'Too many connections send no client hello.']);
    const late: PendingEnd = [INTERRUPTED, 'The session was not found in time.'];
    this.searches = new PendingHandshakes(sessions, late, [INTERRUPTED, 'Too many sessions are looked for.']);
  }
}
