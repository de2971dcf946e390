import { streamEnd } from '../../stream/stream.js';
import type { StreamItems } from '../../stream/stream.js';
import { ServerError } from '../../error/backend.error.js';
import type { RpcOutcome } from '../../rpc/server/call.js';
import type { StreamAnswer } from './stream.answer.js';

/** The answer to a call whose client asked for progress: a stream from the first report on, which ends with the outcome. */
export class ProgressAnswer {
  #stream: StreamAnswer | undefined;
  #settle!: (items: StreamItems) => void;
  readonly #outcome = new Promise<StreamItems>((resolve) => (this.#settle = resolve));

  /** @param open begins the stream */
  constructor(private readonly open: (items: StreamItems) => StreamAnswer) {}

  /** Sends a report. @throws NumberedError if its value cannot be sent */
  report(value: unknown): void {
    this.#begin().report(value);
  }

  #begin(): StreamAnswer {
    return (this.#stream ??= this.open({
      next: async () => (await this.#outcome).next(),
      return: async () => (await this.#outcome).return(),
    }));
  }

  /** The call has its outcome. @returns whether the answer is a stream, which ends with the outcome */
  settle(outcome: RpcOutcome): boolean {
    if (outcome.kind === 'stream') this.#begin();
    if (!this.#stream) return false;
    this.#settle(itemsOfOutcome(outcome));
    return true;
  }
}

/** An outcome as the items of a stream: one for a value, none but an error for a failure. */
function itemsOfOutcome(outcome: RpcOutcome): StreamItems {
  if (outcome.kind === 'stream') return outcome.items;
  let isRead = false;
  return {
    async next() {
      if (isRead) return streamEnd;
      isRead = true;
      if (outcome.kind === 'result') return { done: false, value: outcome.value };
      throw 'error' in outcome
        ? outcome.error
        : new ServerError(500, 'A method that has reported progress cannot answer "pending" or "not found".');
    },
    return: async () => streamEnd,
  };
}
