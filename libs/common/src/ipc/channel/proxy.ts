/** What can be called of `T` from the other side: its methods, each with a promise of its result. */
export type IpcProxy<T> = {
  readonly [K in keyof T as T[K] extends (...args: never[]) => unknown ? K : never]: T[K] extends (
    ...args: infer Args
  ) => infer Result
    ? (...args: Args) => Promise<Awaited<Result>>
    : never;
};

/** What can be notified of by `T`: its methods, each with a promise that resolves as that of `send`. */
export type IpcNotifier<T> = {
  readonly [K in keyof T as T[K] extends (...args: never[]) => unknown ? K : never]: T[K] extends (
    ...args: infer Args
  ) => unknown
    ? (...args: Args) => Promise<void>
    : never;
};

/**
 * An object whose methods are sent to the other side, whatever their names.
 *
 * @param call sends one of them
 */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller knows what the other side has
export function makeProxy<T>(call: (method: string, args: unknown[]) => Promise<unknown>): T {
  return new Proxy(Object.create(null) as object, {
    get: (_target, name) => {
      // A proxy with a `then` would be called by whoever awaits it.
      if (typeof name === 'symbol' || name === 'then') return undefined;
      return (...args: unknown[]) => call(name, args);
    },
  }) as T;
}
