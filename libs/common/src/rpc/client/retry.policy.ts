import { isIdempotent } from '../../call/idempotency.js';
import { isStreamSource } from '../../stream/stream.source.js';
import type { RpcRetryPolicy } from './client.options.js';
import type { RpcClientTarget, RpcReply } from './transport.js';

/** The rules of calls whose options have none. */
export const defaultRetry: RpcRetryPolicy = {
  limit: 4,
  pauseMs: 500,
  longestPauseMs: 5 * 60 * 1000,
  maxRetryAfterMs: 10_000,
  always: false,
};

/**
 * Whether a second run is harmless, or the first one did not begin.
 *
 * @param always repeats every call that the server has answered
 */
export function mayRepeat(
  { error, notBegun }: RpcReply & { kind: 'transient' },
  { policy: { idempotency, resumable } }: RpcClientTarget,
  args: readonly unknown[],
  always: boolean,
): boolean {
  // The items that were read of a stream are lost.
  if (args.some(isStreamSource)) return false;
  if (notBegun || resumable || isIdempotent(idempotency)) return true;
  // A broken connection is not an answer. iTwin.js does not repeat such a call, either.
  return always && (error as { status?: number }).status! > 0;
}
