import { streamEnd } from '../../stream/stream.js';
import type { StreamItems } from '../../stream/stream.js';
import { ServerError } from '../../error/backend.error.js';
import type { RpcOutcome } from '../../rpc/server/call.js';
import { ControlEnd } from '../protocol/reply.writer.js';
import type { StreamAnswer } from './stream.answer.js';

/** The answer to a call whose client asked for progress: a stream from the first report on, which ends with the outcome. */
export class ProgressAnswer {
  #stream: StreamAnswer | undefined;
  #settle!: (items: StreamItems) => void;
  readonly #outcome = new Promise<StreamItems>((resolve) => (this.#settle = resolve));

  /**
   * @param open begins the stream
   * @param hasControl whether the client reads a control response at the end of the stream
   */
  constructor(
    private readonly open: (items: StreamItems) => StreamAnswer,
    private readonly hasControl: boolean,
  ) {}

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
    this.#settle(itemsOfOutcome(outcome, this.hasControl));
    return true;
  }
}

/** An outcome as the items of a stream: one for a value, none but an error for a failure. */
function itemsOfOutcome(outcome: RpcOutcome, hasControl: boolean): StreamItems {
  if (outcome.kind === 'stream') return outcome.items;
  let isRead = false;
  return {
    async next() {
      if (isRead) return streamEnd;
      isRead = true;
      if (outcome.kind === 'result') return { done: false, value: outcome.value };
      if ('error' in outcome) throw outcome.error;
      const isControl = outcome.kind === 'pending' || outcome.kind === 'notFound';
      if (isControl && hasControl) throw new ControlEnd(outcome);
      throw new ServerError(
        500,
        'A method that has reported progress can answer only with its result or an error.',
      );
    },
    return: async () => streamEnd,
  };
}
