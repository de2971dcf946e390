/** Timers that are set for longer fire at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Does something in so many milliseconds; never, where that is 0 or more than any timer can wait. */
export function later(milliseconds: number, work: () => void): ReturnType<typeof setTimeout> | undefined {
  return milliseconds > 0 && milliseconds <= LONGEST_TIMER_MS ? setTimeout(work, milliseconds) : undefined;
}

/** Resolves when the work is done, or its time is over. */
export function within(milliseconds: number, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    // The wait alone does not keep a Node process alive.
    (timer as { unref?: () => void }).unref?.();
    void work.then(done);
  });
}
