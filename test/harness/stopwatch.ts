/** The time between two looks, and the most that counts between two looks, in milliseconds. */
const LOOK_MS = 5;
const LONGEST_MS = 20;

/**
 * Measures how long something takes, in milliseconds, less the time in which other programs kept this process from running.
 * Therefore a limit for it holds on a busy machine as on an idle one. Do not use it for work of one turn, which it does not
 * count: measure that with `process.cpuUsage()`.
 *
 * @returns a function that stops, and returns the time since the beginning
 */
export function stopwatch(): () => number {
  let sum = 0;
  let last = performance.now();
  const look = () => {
    const now = performance.now();
    sum += Math.min(now - last, LONGEST_MS);
    last = now;
  };
  // Sleeps: the measured time is real.
  const timer = setInterval(look, LOOK_MS).unref();
  return () => {
    clearInterval(timer);
    look();
    return sum;
  };
}
