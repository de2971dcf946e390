/** A duration in milliseconds. */
export function duration(ms: number): string {
  if (ms < 1) return `${(ms * 1000).toFixed(0)} µs`;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${ms.toFixed(0)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`;
}

/** How far the clock of the backend is ahead of the clock of this page, in milliseconds. */
let ahead = 0;

/** Times come from the backend, so that ages are measured with its clock. @param now its present time */
export function setClock(now: number): void {
  ahead = now - Date.now();
}

/** The present time of the backend, in milliseconds since the epoch. */
export function present(): number {
  return Date.now() + ahead;
}

/** The time since a moment, in milliseconds since the epoch, as a duration. */
export function age(time: number): string {
  return duration(Math.max(0, present() - time));
}

/** A number of bytes. */
export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  return count < 1024 * 1024 ? `${(count / 1024).toFixed(1)} KB` : `${(count / 1024 / 1024).toFixed(1)} MB`;
}

/** A whole number. */
export function count(value: number): string {
  return value.toLocaleString('en');
}

/** A moment, in milliseconds since the epoch, as the time of the day. */
export function clock(time: number): string {
  return new Date(time).toISOString().slice(11, 23);
}
