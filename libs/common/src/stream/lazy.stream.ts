import { onAbort } from '../base/abort.js';
import { streamEnd } from './stream.js';
import type { StreamItems } from './stream.js';

/**
 * A stream that begins when its first item is read.
 *
 * @param open begins the stream; its signal is aborted with `outer`, and if the reader leaves
 */
export function lazyStream(
  open: (signal: AbortSignal) => Promise<StreamItems>,
  outer?: AbortSignal,
): AsyncIterableIterator<unknown, undefined, undefined> {
  let opening: Promise<StreamItems> | undefined;
  let isRead = false;
  let isOver = false;
  let unfollow = () => undefined as void;
  const leaving = new AbortController();
  const begin = () => {
    unfollow = onAbort(outer, (reason) => leaving.abort(reason));
    return open(leaving.signal);
  };
  const over = () => {
    isOver = true;
    unfollow();
  };
  return {
    async next() {
      if (isOver) return streamEnd;
      try {
        const items = await (opening ??= begin());
        const result = await items.next();
        if (!result.done) return result;
      } catch (error) {
        // Nobody reads the error of a stream that was left.
        if (isOver) return streamEnd;
        over();
        throw error;
      }
      over();
      return streamEnd;
    },
    async return() {
      const isEarly = !isOver;
      over();
      if (isEarly && opening) {
        leaving.abort(new Error('The reader of the stream has left.'));
        await opening.then((items) => items.return()).catch(() => undefined);
      }
      return streamEnd;
    },
    [Symbol.asyncIterator]() {
      if (isRead) throw new Error('A stream can be read once.');
      isRead = true;
      return this;
    },
  };
}
