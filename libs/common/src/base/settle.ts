import { reportUnhandled } from './text.js';

/**
 * Runs work that may be asynchronous, and calls back once with its outcome. Never throws. It uses callbacks because each
 * promise adds measurable time to a small call.
 */
export function settle(
  work: () => unknown,
  resolved: (value: unknown) => void,
  rejected: (error: unknown) => void,
): void {
  let returned: unknown;
  try {
    returned = work();
    if (isThenable(returned)) {
      // Another object with a `then` may call back twice or throw. A promise does neither.
      Promise.resolve(returned).then(resolved, rejected);
      return;
    }
  } catch (error) {
    rejected(error);
    return;
  }
  resolved(returned);
}

/** Notifies every listener, even if one of them fails. */
export function notifyAll<Listener>(
  listeners: Iterable<Listener>,
  notify: (listener: Listener) => unknown,
): void {
  const ignore = () => undefined;
  for (const listener of listeners)
    settle(
      () => notify(listener),
      ignore,
      (error) => reportUnhandled(error),
    );
}

/** Whether a value is a promise, of any library. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}
