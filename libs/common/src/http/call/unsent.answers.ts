import { ByteBudget } from '../../bytes/byte.budget.js';
import type { BudgetShare } from '../../bytes/byte.budget.js';
import type { CallReport } from '../../call/call.report.js';

/** An answer that its client has not read. */
export interface UnsentAnswer {
  /** Closes the connection of the client, and drops the answer. */
  cut(): void;
}

/** A smaller answer costs no more than its connection. */
export const MIN_UNSENT_BYTES = 64 * 1024;

/** Counts the bytes of all answers that clients have not read yet. */
export class UnsentAnswers {
  readonly #budget: ByteBudget<UnsentAnswer>;

  constructor(
    limit: number,
    private readonly report: ((report: CallReport) => void) | undefined,
  ) {
    this.#budget = new ByteBudget(limit);
  }

  /** The part of one answer. @param address the address of its client */
  of(answer: UnsentAnswer, address: string | undefined): UnsentBytes {
    return new UnsentBytes(this.#budget.share(address ?? '', answer), () => this.#limit());
  }

  /** Above the limit, answers of the address with the most bytes are cut, the largest first. */
  #limit(): void {
    const budget = this.#budget;
    for (let most = budget.largest(); most && budget.amount > budget.limit; most = budget.largest()) {
      // A single response above the limit is the application's own choice.
      if (most.amount === budget.amount) return;
      const message =
        `A connection was closed: ${budget.amount} bytes of responses wait for clients, more than ` +
        `${budget.limit} (unsentBytes). Most of them wait for the address of this client.`;
      most.clear();
      most.holder.cut();
      this.report?.({ kind: 'warning', message, activity: undefined });
    }
  }
}

/** The bytes of one answer that its client has not read. */
export class UnsentBytes {
  constructor(
    private readonly share: BudgetShare<UnsentAnswer>,
    private readonly limit: () => void,
  ) {}

  /** Counts the bytes that wait now. Few bytes count as none. */
  count(bytes: number): void {
    const counted = bytes < MIN_UNSENT_BYTES ? 0 : bytes;
    const more = counted - this.share.amount;
    if (more === 0) return;
    this.share.add(more);
    if (more > 0) this.limit();
  }
}
