import { onAbort } from '../base/abort.js';
import { settle } from '../base/settle.js';
import { generalError } from '../base/numbered.error.js';
import { sizeOf } from '../value/value.size.js';
import { ItemQueue } from './item.queue.js';
import { streamEnd } from './stream.js';
import type { BlobLike, ReadableStreamLike, StreamItems } from './stream.js';

/** An `Observable` cannot be slowed down: its items wait here. 4 MiB hold about twenty thousand small items. */
const OBSERVABLE_BYTES = 4 * 1024 * 1024;

/** The members of an Observable that are used, from any library. */
interface Subscribable {
  subscribe(observer: {
    next: (value: unknown) => void;
    error: (error: unknown) => void;
    complete: () => void;
  }): { unsubscribe?: () => void } | undefined;
}

type Members = Readonly<Record<PropertyKey, unknown>>;

function has(value: unknown, ...methods: PropertyKey[]): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    methods.every((method) => typeof (value as Members)[method] === 'function')
  );
}

/** Whether an argument is sent as a stream: an async iterable, a web or Node stream, a `Blob` or a `File`. */
export function isStreamSource(value: unknown): boolean {
  return has(value, Symbol.asyncIterator) || has(value, 'getReader') || isBlob(value);
}

/** Whether a value is a `Blob` or a `File` of any realm. */
function isBlob(value: unknown): value is BlobLike {
  return has(value, 'stream', 'slice', 'arrayBuffer') && typeof (value as Members)['size'] === 'number';
}

/**
 * The items of a stream.
 *
 * @returns `undefined` if the value is neither an async iterable, a stream, a `Blob`, an Observable nor an iterable object
 */
export function itemsOf(source: unknown): StreamItems | undefined {
  if (has(source, Symbol.asyncIterator))
    return complete((source as AsyncIterable<unknown>)[Symbol.asyncIterator]());
  if (has(source, 'getReader')) return readerItems(source as ReadableStreamLike<unknown>);
  if (isBlob(source)) return pieces(readerItems(source.stream()));
  if (has(source, 'subscribe', 'pipe')) return observableItems(source as Subscribable);
  if (has(source, Symbol.iterator)) return iterableItems(source as Iterable<unknown>);
  return undefined;
}

/** `return` is optional in iterators. */
function complete(iterator: AsyncIterator<unknown>): StreamItems {
  return iterator.return ? (iterator as StreamItems) : { next: () => iterator.next(), return: ended };
}

async function ended(): Promise<IteratorReturnResult<undefined>> {
  return streamEnd;
}

function readerItems(stream: ReadableStreamLike<unknown>): StreamItems {
  const reader = stream.getReader();
  return {
    async next() {
      const { done, value } = await reader.read();
      return done ? streamEnd : { done: false, value };
    },
    async return() {
      await reader.cancel();
      return streamEnd;
    },
  };
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

/** The arguments of a call without its streams, and the streams by their places, counted from 1. */
export function splitSources(args: readonly unknown[]): {
  readonly values: unknown[];
  readonly sources: ReadonlyMap<number, unknown>;
} {
  if (!args.some(isStreamSource)) return { values: args as unknown[], sources: noSources };
  const sources = new Map<number, unknown>();
  for (const [index, argument] of args.entries())
    if (isStreamSource(argument)) sources.set(index + 1, argument);
  return { values: args.map((argument, index) => (sources.has(index + 1) ? null : argument)), sources };
}

const noSources: ReadonlyMap<number, unknown> = new Map();
