/** The longest delay of a timer. A longer one would fire at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** Calls a function after a delay in milliseconds; never, if the delay is 0 or longer than a timer can wait. */
export function later(milliseconds: number, work: () => void): ReturnType<typeof setTimeout> | undefined {
  return milliseconds > 0 && milliseconds <= MAX_TIMER_MS ? setTimeout(work, milliseconds) : undefined;
}

/** Lets a Node process end although a timer runs. @returns the timer */
export function unref<Timer>(timer: Timer): Timer {
  (timer as { unref?: () => void }).unref?.();
  return timer;
}

/** Resolves when the work is done or the time is over. */
export function within(milliseconds: number, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    const timer = unref(setTimeout(done, milliseconds));
    void work.then(done);
  });
}
