/**
 * Makes a function that calls `work` in the asynchronous context of the running code, whoever calls it: that of a caller, where values
 * arrive in events of a connection. Code behind a promise has the context of the place that waits for it, on every platform.
 *
 * @param work must not throw
 * @returns calls `work` a moment later, in the order of its own calls
 */
export function inThisContext<T>(work: (value: T) => void): (value: T) => void {
  const values: T[] = [];
  let wake: () => void;
  const follow = async () => {
    for (;;) {
      await new Promise<void>((resolve) => (wake = resolve));
      while (values.length > 0) work(values.shift()!);
    }
  };
  void follow();
  return (value) => {
    values.push(value);
    wake();
  };
}
