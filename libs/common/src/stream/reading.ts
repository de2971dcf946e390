import { settle } from '../base/settle.js';
import { streamEnd } from './stream.js';
import type { ReadableStreamLike, StreamItems } from './stream.js';

/** The chunks of a web stream. Nothing is read ahead, so that a slow reader slows the producer down. */
export function readerItems<T>(stream: ReadableStreamLike<T>): StreamItems<T, undefined> {
  const reader = stream.getReader();
  return {
    async next() {
      const { done, value } = await reader.read();
      return done ? streamEnd : { done: false, value: value as T };
    },
    async return() {
      await reader.cancel();
      return streamEnd;
    },
  };
}

/** The same items. Calls back when the reader has got the last one or an error, or has left. */
export function endingWith<T, End>(items: StreamItems<T, End>, over: () => void): StreamItems<T, End> {
  return {
    async next() {
      try {
        const result = await items.next();
        if (result.done) over();
        return result;
      } catch (error) {
        over();
        throw error;
      }
    },
    return() {
      over();
      return items.return();
    },
  };
}

/** Stops a producer whose items nobody reads. Its error is ignored, because nobody waits for it. */
export function leaveItems(items: StreamItems): void {
  const ignored = () => undefined;
  settle(() => items.return(), ignored, ignored);
}
