/** Why a signal was aborted. Signals of older platforms do not say: then it is an error of ours. */
export function reasonOf(signal: AbortSignal): unknown {
  if ('reason' in signal) return signal.reason;
  return Object.assign(new Error('The operation was aborted.'), { name: 'AbortError' });
}

/** Throws the reason of a signal that is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw reasonOf(signal);
}

/**
 * The callbacks of each aborted signal. Each signal gets one listener for all of them: Node reports more than ten
 * as a leak, and every `AbortSignal.any` keeps memory for as long as the signal lives.
 */
const followers = new WeakMap<AbortSignal, Set<(reason: unknown) => void>>();

function tellFollowers(this: AbortSignal): void {
  for (const follower of followers.get(this)!) follower(reasonOf(this));
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
  if (signal.aborted) follower(reasonOf(signal));
  const all = followers.get(signal) ?? new Set();
  followers.set(signal, all.add(follower));
  signal.addEventListener('abort', tellFollowers);
  return () => {
    all.delete(follower);
    if (all.size === 0) signal.removeEventListener('abort', tellFollowers);
  };
}
