/** A client that sends this header reads every status; the unmodified iTwin.js client does not. */
export const CLIENT_HEADER = 'x-linnet-client';

/** How many milliseconds the caller waits for the answer, when the request is sent. */
export const TIMEOUT_HEADER = 'x-linnet-timeout';

/**
 * A server that sends this header with a transient answer has not begun the call, or the call had no effect: it can be
 * repeated, whatever its operation does.
 */
export const NOT_BEGUN_HEADER = 'x-linnet-not-begun';

/** The longest deadline that a header carries: a day. A longer one is not sent. */
export const LONGEST_TIMEOUT_MS = 24 * 60 * 60 * 1000;

/**
 * When a caller stops waiting.
 *
 * @param header milliseconds from now, a whole number
 * @returns milliseconds since the epoch; `undefined` where the header is absent, out of bounds or no number
 */
export function readDeadline(header: string | readonly string[] | undefined): number | undefined {
  if (typeof header !== 'string' || !/^\d{1,8}$/.test(header)) return undefined;
  const timeoutMs = Number(header);
  return timeoutMs <= LONGEST_TIMEOUT_MS ? Date.now() + timeoutMs : undefined;
}
