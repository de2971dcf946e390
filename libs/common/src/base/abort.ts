/** The reason of an aborted signal. Older platforms do not keep it, so they get an `AbortError`. */
export function reasonOf(signal: AbortSignal): unknown {
  if ('reason' in signal) return signal.reason;
  return Object.assign(new Error('The operation was aborted.'), { name: 'AbortError' });
}

/** Throws the reason of an aborted signal. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw reasonOf(signal);
}

/**
 * The callbacks of each aborted signal. Each signal gets one listener for all of them: Node reports more than ten
 * as a leak, and every `AbortSignal.any` keeps memory for as long as the signal lives.
 */
const followers = new WeakMap<AbortSignal, Set<(reason: unknown) => void>>();

function notifyFollowers(this: AbortSignal): void {
  for (const follower of followers.get(this)!) follower(reasonOf(this));
}

/**
 * Calls `follower` when a signal is aborted, or at once if it is aborted already.
 *
 * @param signal without a signal nothing is ever called
 * @param follower receives the signal's reason
 * @returns a function that removes the follower
 */
export function onAbort(signal: AbortSignal | undefined, follower: (reason: unknown) => void): () => void {
  if (!signal) return () => undefined;
  if (signal.aborted) follower(reasonOf(signal));
  const all = followers.get(signal) ?? new Set();
  followers.set(signal, all.add(follower));
  signal.addEventListener('abort', notifyFollowers);
  return () => {
    all.delete(follower);
    if (all.size === 0) signal.removeEventListener('abort', notifyFollowers);
  };
}
