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
  /** The reader has got the last item, or has left. */
  over(): void;
  /** The stream has ended with an error. @returns the error that the reader gets */
  failed(thrown: unknown): unknown;
}

/** The items of a result. The call goes on until its reader has the last one, or leaves. */
export function watchedItems(first: StreamItems, call: StreamingCall): StreamItems {
  let items = first;
  let faults = 0;
  const next = async (): Promise<IteratorResult<unknown>> => {
    try {
      return await items.next();
    } catch (error) {
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
        throw call.failed(thrown);
      }
      if (result.done) call.over();
      else call.received();
      faults = 0;
      return result;
    },
    async return() {
      call.over();
      return items.return();
    },
  };
}
