import type { Activity } from './call.activity.js';
import { complain } from './call.text.js';

/**
 * Runs work that may be asynchronous, and tells once how it ended. Never throws. Callbacks, as each promise on
 * the way costs a small call its share.
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
      // What is no promise but has a `then` may call back twice or throw; a promise does neither.
      Promise.resolve(returned).then(resolved, rejected);
      return;
    }
  } catch (error) {
    rejected(error);
    return;
  }
  resolved(returned);
}

/** As much of an Observable as is used, whatever library it is of. */
interface Subscribable {
  subscribe(observer: {
    next: (value: unknown) => void;
    error: (error: unknown) => void;
    complete: () => void;
  }): unknown;
}

/** Makes an activity known to everything that the work starts. */
export type RunInActivity = <T>(activity: Activity, work: () => T) => T;

/** Where nothing keeps track of activities. */
export const runBare: RunInActivity = (_activity, work) => work();

/**
 * Settles as {@link settle} does what a method returns, whether at once or by a promise: an Observable counts as the last
 * of its values, and is subscribed to as part of the activity.
 */
export function settleResult(
  work: () => unknown,
  resolved: (value: unknown) => void,
  rejected: (error: unknown) => void,
  activity: Activity,
  run: RunInActivity,
): void {
  const settled = (value: unknown) => {
    let isObservable: boolean;
    try {
      isObservable = isSubscribable(value);
    } catch (error) {
      // A proxy may throw when it is looked at.
      rejected(error);
      return;
    }
    if (isObservable) settle(() => run(activity, () => lastOf(value as Subscribable)), settled, rejected);
    else resolved(value);
  };
  settle(work, settled, rejected);
}

/** As {@link settleResult}, by a promise. */
export function resultOf(work: () => unknown, activity: Activity, run: RunInActivity): Promise<unknown> {
  return new Promise((resolve, reject) => settleResult(work, resolve, reject, activity, run));
}

function lastOf(source: Subscribable): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let last: unknown;
    source.subscribe({
      next: (value) => (last = value),
      error: reject,
      complete: () => resolve(last),
    });
  });
}

function isSubscribable(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { subscribe, pipe } = value as Record<string, unknown>;
  return typeof subscribe === 'function' && typeof pipe === 'function';
}

/** Tells listeners, each by itself: one that fails is not to keep the news from the others. */
export function tellAll<Listener>(
  listeners: Iterable<Listener>,
  tell: (listener: Listener) => unknown,
): void {
  const told = () => undefined;
  for (const listener of listeners)
    settle(
      () => tell(listener),
      told,
      (error) => complain(error),
    );
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}
