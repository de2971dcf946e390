import type { ServerResponse } from 'node:http';
import type { CallReport, HttpResponse } from '@linnet/common';
import { ByteBudget } from '@linnet/common/internal';
import type { BudgetShare } from '@linnet/common/internal';
import { lengthOf } from './response.writer.js';

/** A smaller response costs no more than its connection. */
const MIN_COUNTED_BYTES = 64 * 1024;

/** Counts the bytes of responses that their clients have not read yet. */
export class ResponseBacklog {
  readonly #budget: ByteBudget<ServerResponse>;
  readonly #shares = new Map<ServerResponse, BudgetShare<ServerResponse>>();

  constructor(
    limit: number,
    private readonly report: ((report: CallReport) => void) | undefined,
  ) {
    this.#budget = new ByteBudget(limit);
  }

  /** Counts a response that was written, until it is {@link sent}. Above the limit the connection with the most bytes is closed. */
  add(response: ServerResponse, { body }: HttpResponse): void {
    if (typeof body === 'string' && body.length < MIN_COUNTED_BYTES / 4) return;
    const bytes = lengthOf(body);
    if (bytes < MIN_COUNTED_BYTES || response.writableFinished || response.destroyed) return;
    const { remoteAddress = '' } = response.req.socket;
    const share = this.#budget.share(remoteAddress, response);
    share.add(bytes);
    this.#shares.set(response, share);
    if (this.#budget.amount > this.#budget.limit) this.#cut();
  }

  /** A response has been read, or its connection is over. */
  sent(response: ServerResponse): void {
    if (this.#shares.size === 0) return;
    this.#shares.get(response)?.clear();
    this.#shares.delete(response);
  }

  #cut(): void {
    const budget = this.#budget;
    for (let most = budget.largest(); most && budget.amount > budget.limit; most = budget.largest()) {
      // A single response above the limit is the application's own choice.
      if (most.amount === budget.amount) return;
      const message =
        `A connection was closed: ${budget.amount} bytes of responses wait for clients, more than ` +
        `${budget.limit} (unsentBytes). Most of them wait for the address of this client.`;
      this.sent(most.holder);
      most.holder.req.socket.destroy();
      this.report?.({ kind: 'warning', message, activity: undefined });
    }
  }
}
