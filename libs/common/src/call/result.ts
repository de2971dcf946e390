import { settle } from '../base/settle.js';
import type { Activity } from './activity.js';

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
