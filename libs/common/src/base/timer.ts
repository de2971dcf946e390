/** Timers that are set for longer fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Does something in so many milliseconds; never, where that is 0 or more than any timer can wait. */
export function later(milliseconds: number, work: () => void): ReturnType<typeof setTimeout> | undefined {
  return milliseconds > 0 && milliseconds <= LONGEST_TIMER_MS ? setTimeout(work, milliseconds) : undefined;
}
