/** The error that a call rejects with, caught from now on. */
export function failure(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    (value) => Promise.reject(new Error(`It was answered: ${String(value)}`)),
    (error: unknown) => error,
  );
}
