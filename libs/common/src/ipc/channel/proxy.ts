import type { StreamSources } from '../../stream/stream.js';

/** The methods of `T` as the other side calls them: each returns a promise of its result, or a stream. */
export type IpcProxy<T> = {
  readonly [K in keyof T as T[K] extends (...args: never[]) => unknown ? K : never]: T[K] extends (
    ...args: infer Args
  ) => infer Result
    ? Result extends AsyncIterable<unknown>
      ? (...args: StreamSources<Args>) => Result
      : (...args: StreamSources<Args>) => Promise<Awaited<Result>>
    : never;
};

/** The methods of `T` as notifications: each returns the promise of `send`. */
export type IpcNotifier<T> = {
  readonly [K in keyof T as T[K] extends (...args: never[]) => unknown ? K : never]: T[K] extends (
    ...args: infer Args
  ) => unknown
    ? (...args: Args) => Promise<void>
    : never;
};

/**
 * Makes an object with a method of every name, whose calls go to the other side.
 *
 * @param call sends one of them
 */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller knows what the other side has
export function makeProxy<T>(call: (method: string, args: unknown[]) => unknown): T {
  return new Proxy(Object.create(null) as object, {
    get: (_target, name) => {
      // `await` calls the method `then` of an object that has one.
      if (typeof name === 'symbol' || name === 'then') return undefined;
      return (...args: unknown[]) => call(name, args);
    },
  }) as T;
}
