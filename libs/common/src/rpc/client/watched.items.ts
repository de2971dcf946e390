import { streamEnd } from '../../stream/stream.js';
import type { StreamItems } from '../../stream/stream.js';

/** The call whose result is a stream. */
export interface StreamingCall {
  /**
   * Continues the stream behind an error.
   *
   * @param faults errors before this one, without an item between them
   * @throws (rejection) the error if the stream cannot be continued
   */
  resume(error: unknown, faults: number): Promise<StreamItems>;
  /** The reader has got an item. */
  received(): void;
  /** The reader has got the last item. */
  over(): void;
  /** The reader has left. A {@link resume} that waits rejects. */
  left(): void;
  /** The stream has ended with an error. @returns the error that the reader gets */
  failed(thrown: unknown): unknown;
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
      if (isOver) throw error;
      items = await call.resume(error, faults++);
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
      if (!result.done) call.received();
      else if (end()) call.over();
      faults = 0;
      return result;
    },
    async return() {
      if (end()) call.left();
      return items.return();
    },
  };
}
