import { onAbort } from '../../base/abort.js';
import { ServerError } from '../../error/backend.error.js';
import { streamEnd, StreamResult } from '../../stream/stream.js';
import type { StreamItems } from '../../stream/stream.js';

/** The call whose result is a stream. */
export interface StreamingCall {
  /** Aborted if the call ends before its stream. */
  readonly signal: AbortSignal;
  /** Whether a stream whose connection breaks can be continued. */
  readonly isResumable: boolean | undefined;
  /**
   * Repeats the request after a pause. It may stay pending if the call is aborted.
   *
   * @param faults errors before this one, without an item between them
   * @returns a {@link StreamResult}, or a value
   * @throws (rejection) the error if the stream cannot be continued
   */
  again(error: Error, faults: number): Promise<unknown>;
  /** The reader has got an item. */
  received(value: unknown): void;
  /** The reader has got the last item, or has left. */
  over(): void;
  /** The stream has ended with an error. @returns the error that the reader gets */
  failed(thrown: unknown): unknown;
  /** Ends a pause, and requests that continue the stream. */
  abort(reason: unknown): void;
}

/** The items of a result. The call goes on until its reader has the last one, or leaves. */
export function watchedItems(first: StreamItems, call: StreamingCall): StreamItems {
  let items = first;
  let faults = 0;
  let isOver = false;
  /** Ends the call once. @returns whether it has not ended before */
  const end = () => !isOver && (isOver = true);
  const next = async (): Promise<IteratorResult<unknown>> => {
    try {
      return await items.next();
    } catch (error) {
      const isBroken = error instanceof ServerError && error.status === -1;
      if (isOver || !isBroken || !call.isResumable || call.signal.aborted) throw error;
      items = await continued(call, error, faults++);
      return next();
    }
  };
  return {
    async next() {
      let result: IteratorResult<unknown>;
      try {
        result = await next();
      } catch (thrown) {
        if (end()) throw call.failed(thrown);
        return streamEnd;
      }
      if (isOver) return streamEnd;
      if (!result.done) call.received(result.value);
      else if (end()) call.over();
      faults = 0;
      return result;
    },
    async return() {
      if (end()) {
        call.abort(new Error('The reader of the stream has left.'));
        call.over();
      }
      return items.return();
    },
  };
}

/** The rest of a stream whose connection has broken. @throws (rejection) the error if it cannot be continued */
async function continued(call: StreamingCall, error: Error, faults: number): Promise<StreamItems> {
  let leave = () => undefined as void;
  const aborted = new Promise<never>((_resolve, reject) => (leave = onAbort(call.signal, reject)));
  const result = await Promise.race([call.again(error, faults), aborted]).finally(leave);
  if (result instanceof StreamResult) return result.items;
  throw error;
}
