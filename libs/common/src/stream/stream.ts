/**
 * A stream of items, as the result or as an argument of a call. It can be read once, with `for await`. A reader that leaves the
 * loop stops the producer.
 */
export type RpcStream<T> = AsyncIterable<T>;

/** The part of a web `ReadableStream` that is used. */
export interface ReadableStreamLike<T> {
  getReader(): {
    read(): Promise<{ readonly done: boolean; readonly value?: T | undefined }>;
    cancel(reason?: unknown): Promise<unknown>;
  };
}

/** The part of a `Blob` or `File` that is used. */
export interface BlobLike {
  readonly size: number;
  stream(): ReadableStreamLike<Uint8Array>;
  slice(start?: number, end?: number): BlobLike;
}

/** The values that a client accepts for a stream argument. A `Blob` or a `File` is a stream of bytes. */
export type RpcStreamSource<T> =
  AsyncIterable<T> | ReadableStreamLike<T> | (Uint8Array<ArrayBuffer> extends T ? BlobLike : never);

type IsAny<T> = 0 extends 1 & T ? true : false;

/** The parameters of a method, with every source of a stream where the method takes a stream. */
export type StreamSources<Args extends unknown[]> = {
  [K in keyof Args]: IsAny<Args[K]> extends true
    ? Args[K]
    : NonNullable<Args[K]> extends AsyncIterable<infer Item>
      ? RpcStreamSource<Item> | Extract<Args[K], undefined | null>
      : Args[K];
};

/** The items of a stream in the order of reading. `return` ends the stream early. */
export type StreamItems<T = unknown, End = unknown> = Required<
  Pick<AsyncIterator<T, End, undefined>, 'next' | 'return'>
>;

/** The result of a call that is a stream. Handlers of streaming operations return it in place of a value. */
export class StreamResult {
  constructor(readonly items: StreamItems) {}
}

/** The end of a stream. */
export const streamEnd: IteratorReturnResult<undefined> = { done: true, value: undefined };
