/** A duration in milliseconds, for people. */
export function duration(milliseconds: number): string {
  if (milliseconds < 10) return `${Math.max(0, milliseconds).toFixed(1)} ms`;
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}
