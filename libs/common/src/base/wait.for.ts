import { onAbort } from './abort.js';
import { later } from './timer.js';

/** How long somebody waits for an answer. */
export interface Patience {
  /** In milliseconds; 0: for ever. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** Makes the error of an answer that is late. */
  readonly late: () => Error;
  /** Called if the deadline or the signal has ended the wait. */
  readonly givenUp?: () => void;
}

/** Waits for an answer until the deadline, or until the signal aborts. */
export function waitFor<T>(
  begin: () => Promise<T>,
  { timeoutMs, signal, late, givenUp }: Patience,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const settle = (work: () => void) => {
      clearTimeout(timer);
      unfollow();
      work();
    };
    const giveUp = (reason: unknown) => {
      givenUp?.();
      settle(() => reject(reason));
    };
    const timer = later(timeoutMs, () => giveUp(late()));
    const unfollow = onAbort(signal, giveUp);
    begin().then(
      (answer) => settle(() => resolve(answer)),
      (error: unknown) => settle(() => reject(error)),
    );
  });
}
