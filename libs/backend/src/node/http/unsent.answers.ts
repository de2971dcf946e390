import type { ServerResponse } from 'node:http';
import type { CallReport, HttpResponse } from '@linnet/common';
import { ByteBudget } from '@linnet/common/internal';
import type { BudgetShare } from '@linnet/common/internal';
import { lengthOf } from './response.writer.js';

/** Smaller answers cost no more than the connections that they wait on. */
const SMALLEST_COUNTED = 64 * 1024;

/** The bytes of answers that their clients have not taken. */
export class UnsentAnswers {
  readonly #budget: ByteBudget<ServerResponse>;
  readonly #shares = new Map<ServerResponse, BudgetShare<ServerResponse>>();

  constructor(
    limit: number,
    private readonly report: ((report: CallReport) => void) | undefined,
  ) {
    this.#budget = new ByteBudget(limit);
  }

  /** Counts an answer that was written, until it is {@link sent}. Where that is too much, whoever has most is cut off. */
  add(response: ServerResponse, { body }: HttpResponse): void {
    if (typeof body === 'string' && body.length < SMALLEST_COUNTED / 4) return;
    const bytes = lengthOf(body);
    if (bytes < SMALLEST_COUNTED || response.writableFinished || response.destroyed) return;
    const { remoteAddress = '' } = response.req.socket;
    const share = this.#budget.share(remoteAddress, response);
    share.add(bytes);
    this.#shares.set(response, share);
    if (this.#budget.amount > this.#budget.limit) this.#cut();
  }

  /** An answer has been taken, or never will be. */
  sent(response: ServerResponse): void {
    if (this.#shares.size === 0) return;
    this.#shares.get(response)?.clear();
    this.#shares.delete(response);
  }

  #cut(): void {
    const budget = this.#budget;
    for (let most = budget.largest(); most && budget.amount > budget.limit; most = budget.largest()) {
      // One that is too large by itself is what the application has answered.
      if (most.amount === budget.amount) return;
      const message =
        `A connection was cut: ${budget.amount} bytes of answers wait for clients, which is more than ` +
        `${budget.limit} (unsentBytes), and its address has most of them.`;
      this.sent(most.holder);
      most.holder.req.socket.destroy();
      this.report?.({ kind: 'warning', message, activity: undefined });
    }
  }
}
