import { OBSERVABLE_BYTES } from '../base/limits.js';
import { settle } from '../base/settle.js';
import { generalError } from '../base/numbered.error.js';
import { sizeOf } from '../value/value.size.js';
import { ItemQueue } from './item.queue.js';
import { streamEnd } from './stream.js';
import type { ReadableStreamLike, StreamItems } from './stream.js';
import { readerItems } from './reading.js';
import { has, isBlob, isSubscribable } from './stream.source.js';
import type { Subscribable } from './stream.source.js';

/**
 * The items of a stream.
 *
 * @returns `undefined` if the value is neither an async iterable, a stream, a `Blob`, an Observable nor an iterable object
 */
export function itemsOf(source: unknown): StreamItems | undefined {
  if (has(source, Symbol.asyncIterator, 'destroy')) return readableItems(source as NodeReadable);
  if (has(source, Symbol.asyncIterator))
    return complete((source as AsyncIterable<unknown>)[Symbol.asyncIterator]());
  if (has(source, 'getReader')) return readerItems(source as ReadableStreamLike<unknown>);
  if (isBlob(source)) return pieces(readerItems(source.stream()));
  if (isSubscribable(source)) return observableItems(source);
  if (has(source, Symbol.iterator)) return iterableItems(source as Iterable<unknown>);
  return undefined;
}

/** The part of a `Readable` of Node that is used. */
interface NodeReadable extends AsyncIterable<unknown> {
  destroy(): unknown;
}

/** The iterator of a `Readable` that was not read yet does not close it. */
function readableItems(source: NodeReadable): StreamItems {
  const iterator = source[Symbol.asyncIterator]();
  return {
    next: () => iterator.next(),
    async return() {
      source.destroy();
      return streamEnd;
    },
  };
}

/** `return` is optional in iterators. */
function complete(iterator: AsyncIterator<unknown>): StreamItems {
  return iterator.return ? (iterator as StreamItems) : { next: () => iterator.next(), return: ended };
}

async function ended(): Promise<IteratorReturnResult<undefined>> {
  return streamEnd;
}

/** Platforms read a `Blob` in pieces of up to 2 MiB, which would be four times the window of a stream. */
const PIECE_BYTES = 64 * 1024;

/** Byte strings in pieces of their own. */
function pieces(source: StreamItems): StreamItems {
  let rest = new Uint8Array(0);
  return {
    async next() {
      while (rest.byteLength === 0) {
        const { done, value } = await source.next();
        if (done) return streamEnd;
        rest = value as Uint8Array<ArrayBuffer>;
      }
      const value = rest.subarray(0, PIECE_BYTES);
      rest = rest.subarray(PIECE_BYTES);
      return { done: false, value };
    },
    return: () => source.return(),
  };
}

function iterableItems(source: Iterable<unknown>): StreamItems {
  const iterator = source[Symbol.iterator]();
  return {
    async next() {
      return iterator.next();
    },
    async return() {
      iterator.return?.();
      return streamEnd;
    },
  };
}

/** Subscribes at the first `next`, as a generator begins there. */
function observableItems(source: Subscribable): StreamItems {
  let subscription: ReturnType<Subscribable['subscribe']>;
  const leave = () => subscription?.unsubscribe?.();
  const queue = new ItemQueue({ taken: () => undefined, left: leave });
  let isSubscribed = false;
  const subscribe = () => {
    isSubscribed = true;
    subscription = source.subscribe({
      next(value) {
        queue.push(value, sizeOf(value));
        if (queue.bytes <= OBSERVABLE_BYTES) return;
        const reason = `More than ${OBSERVABLE_BYTES} bytes of an Observable wait for their reader.`;
        queue.clear(generalError(`${reason} Return an async iterable, which waits for it.`));
        leave();
      },
      error: (error) => queue.fail(error),
      complete: () => queue.end(),
    });
    // It may have emitted too much at once.
    if (queue.isOver) leave();
  };
  return {
    next() {
      if (!isSubscribed)
        settle(
          subscribe,
          () => undefined,
          (error) => queue.fail(error),
        );
      return queue.next();
    },
    return: () => queue.return(),
  };
}
