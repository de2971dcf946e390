import { settle } from '../base/settle.js';
import { isSubscribable } from '../stream/stream.source.js';
import type { Subscribable } from '../stream/stream.source.js';
import type { Activity } from './activity.js';

/** Makes an activity current for everything that the work starts. */
export type RunInActivity = <T>(activity: Activity, work: () => T) => T;

/** For platforms that do not track activities. */
export const runBare: RunInActivity = (_activity, work) => work();

/**
 * Settles the result of a method as {@link settle} does. An Observable counts as its last value, and is subscribed to
 * within the activity.
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
      // A proxy may throw when a member is read.
      rejected(error);
      return;
    }
    if (isObservable) settle(() => run(activity, () => lastOf(value as Subscribable)), settled, rejected);
    else resolved(value);
  };
  settle(work, settled, rejected);
}

/** {@link settleResult} as a promise. */
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
