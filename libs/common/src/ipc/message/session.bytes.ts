import { ByteBudget } from '../../bytes/byte.budget.js';
import type { BudgetShare } from '../../bytes/byte.budget.js';

/** The part of the limit for bytes that can be refused. The rest is for bytes that cannot, and that end sessions. */
const REFUSABLE = 7 / 8;

/** Counts the bytes that a link keeps, for all links together. The count may end the link. */
export interface KeptBytes {
  add(by: number): void;
}

/** Bytes that wait for all frontends of a server. If they are too many, the user with most of them loses a session. */
export class WaitingBytes {
  readonly #budget: ByteBudget<() => void>;

  /** @param limit bytes of all sessions together */
  constructor(limit: number) {
    this.#budget = new ByteBudget(limit);
  }

  /**
   * The part of one session.
   *
   * @param owner names the user of the session
   * @param end ends the session, and frees its bytes
   * @param limit most bytes that can be refused
   */
  of(owner: string, end: () => void, limit?: number): SessionBytes {
    return new SessionBytes(this.#budget, this.#budget.share(owner, end, limit));
  }
}

/** Bytes that wait for the frontend of one session. */
export class SessionBytes implements KeptBytes {
  constructor(
    private readonly budget: ByteBudget<() => void>,
    private readonly share: BudgetShare<() => void>,
  ) {}

  /** Counts bytes, and may end the largest session; a negative number frees them. */
  add(by: number): void {
    this.share.add(by);
    if (by > 0) this.#endLargest();
  }

  /**
   * Counts bytes that can be refused.
   *
   * @returns whether they have space, or other users hold more of the shared bytes. The first ones may be larger than the
   * limit of the session
   */
  take(bytes: number): boolean {
    const { amount: own, limit: ownLimit } = this.share;
    if (own > 0 && own + bytes > ownLimit) return false;
    const { amount, limit } = this.budget;
    const isMuch = amount + bytes > limit * REFUSABLE;
    if (isMuch && this.budget.largest()?.owner === this.share.owner) return false;
    this.add(bytes);
    return true;
  }

  #endLargest(): void {
    const { budget } = this;
    while (budget.amount > budget.limit) {
      const { amount } = budget;
      budget.largest()!.holder();
      // The session is about to end, and frees its bytes a little later.
      if (budget.amount >= amount) return;
    }
  }
}
