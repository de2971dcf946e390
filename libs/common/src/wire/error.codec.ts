import { TransientError } from '../call/call.error.js';
import { RpcControlResponse } from '../rpc/rpc.response.js';
import { errorMembers, hiddenError, isExposed } from './error.members.js';
import type { WireError } from './error.members.js';
import { errorTable } from './error.table.js';

/** What of a failure leaves the process. */
export interface ErrorPolicy {
  /** Sends stack traces. Never in production. */
  developmentMode?: boolean;
  /** Overrides what may be seen from outside: `true` sends the error whole, `false` hides it. */
  exposeError?: ((error: unknown) => boolean | undefined) | undefined;
  /** Describes errors of a framework; `undefined` leaves an error to the rules of this file. */
  mapError?: ((error: unknown) => { status: number; body: object } | undefined) | undefined;
}

/**
 * Decides what a caller learns of whatever was thrown (WIRE 1.2, 1.3).
 *
 * @param thrown anything at all, `undefined` included
 * @param activityId named in the place of what stays inside, so that the log can be searched for it
 */
export function encodeError(thrown: unknown, activityId: string, policy: ErrorPolicy = {}): WireError {
  const mapped = policy.mapError?.(thrown);
  if (mapped) return { ...mapped, internal: false, whole: false };
  // Where a control response is an error, as on channels, it is one that is meant for callers.
  if (!(policy.exposeError?.(thrown) ?? (isExposed(thrown) || thrown instanceof RpcControlResponse))) {
    const hidden = hiddenError(activityId);
    if (policy.developmentMode && thrown instanceof Error)
      (hidden.body as { stack?: unknown }).stack = thrown.stack;
    return hidden;
  }
  if (thrown instanceof Error) {
    const body = errorMembers(thrown);
    if (policy.developmentMode) body['stack'] = thrown.stack;
    const retryAfter = thrown instanceof TransientError ? thrown.retryAfter : undefined;
    return { status: statusOf(thrown), body, retryAfter, internal: false, whole: true };
  }
  // What is no error object has no category: its status is 500.
  if (typeof thrown === 'object' && thrown !== null) {
    // An error may have been made a plain object on its way.
    const { stack: _stack, cause: _cause, ...rest } = thrown as Record<string, unknown>;
    const body = 'stack' in thrown || 'cause' in thrown ? rest : thrown;
    return { status: 500, body, internal: false, whole: true };
  }
  const message =
    thrown === undefined || thrown === null ? 'The operation failed without an error.' : String(thrown);
  return { status: 500, body: { message, isError: true, name: 'Error' }, internal: false, whole: true };
}

function statusOf(error: Error): number {
  if (error instanceof TransientError) return error.status;
  const number = (error as { errorNumber?: unknown }).errorNumber;
  return (typeof number === 'number' && errorTable.get(number)?.[0]) || 500;
}
