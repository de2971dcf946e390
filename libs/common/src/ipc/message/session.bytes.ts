import { ByteBudget } from '../../base/byte.budget.js';
import type { BudgetShare } from '../../base/byte.budget.js';

/** As much of all bytes that may wait is filled by what can be refused: the rest is for what cannot, and ends sessions. */
const REFUSABLE = 7 / 8;

/** Is told how many bytes more, or less, a link keeps: several share what may be kept. It may end the link. */
export interface KeptBytes {
  add(by: number): void;
}

/** Bytes that wait for all frontends of a server. Where they are too many, who has most of them loses a session. */
export class WaitingBytes {
  readonly #budget: ByteBudget<() => void>;

  /** @param limit bytes of all sessions together */
  constructor(limit: number) {
    this.#budget = new ByteBudget(limit);
  }

  /**
   * The part of one session.
   *
   * @param owner whose session it is
   * @param end ends the session, and gives back what it has
   * @param limit how much may wait where that can be refused
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

  /** Counts bytes that are there, and may end the session that has most; a negative number gives back. */
  add(by: number): void {
    this.share.add(by);
    if (by > 0) this.#relieve();
  }

  /**
   * Counts bytes that can be refused.
   *
   * @returns whether there is room for them, or others have more of what all share. What comes first may be larger than the
   * session's own limit
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

  #relieve(): void {
    const { budget } = this;
    while (budget.amount > budget.limit) {
      const { amount } = budget;
      budget.largest()!.holder();
      // It is about to end, and gives back a little later.
      if (budget.amount >= amount) return;
    }
  }
}
