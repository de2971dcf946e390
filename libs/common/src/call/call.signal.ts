/**
 * What is to be done when a signal is aborted. It has one listener for all of it: Node would take more than ten for a
 * leak, and keeps something of every `AbortSignal.any` for as long as the signal lives.
 */
const followers = new WeakMap<AbortSignal, Set<(reason: unknown) => void>>();

function tellFollowers(this: AbortSignal): void {
  for (const follower of followers.get(this)!) follower(this.reason);
}

/**
 * Does something when a signal is aborted, or at once where it is.
 *
 * @param signal none: never
 * @param follower is given the signal's reason
 * @returns forgets it
 */
export function onAbort(signal: AbortSignal | undefined, follower: (reason: unknown) => void): () => void {
  if (!signal) return () => undefined;
  if (signal.aborted) follower(signal.reason);
  const all = followers.get(signal) ?? new Set();
  followers.set(signal, all.add(follower));
  signal.addEventListener('abort', tellFollowers);
  return () => {
    all.delete(follower);
    if (all.size === 0) signal.removeEventListener('abort', tellFollowers);
  };
}
