/** How often it is looked, and what counts at the most between two looks, in milliseconds. */
const LOOK_MS = 5;
const LONGEST_MS = 20;

/**
 * Measures how long something takes, in milliseconds, less the time in which other programs kept this process from running:
 * what takes too long here takes too long on an idle machine. Not for work that is done in one turn, which it takes for another
 * program's: that has its measure in `process.cpuUsage()`.
 *
 * @returns tells the time since the beginning, and stops
 */
export function stopwatch(): () => number {
  let sum = 0;
  let last = performance.now();
  const look = () => {
    const now = performance.now();
    sum += Math.min(now - last, LONGEST_MS);
    last = now;
  };
  const timer = setInterval(look, LOOK_MS).unref();
  return () => {
    clearInterval(timer);
    look();
    return sum;
  };
}
