import { TransientError } from './imodel.error.js';
import { RpcControlResponse } from './control.response.js';
import { AnsweredError, bareError, errorMembers, exposureOf, hiddenError } from './error.members.js';
import type { ErrorExposure, WireError } from './error.members.js';
import { errorTable } from './status.table.js';

/** Decides which part of a failure leaves the process. */
export interface ErrorPolicy extends ErrorExposure {
  /** Sends stack traces. Never in production. */
  developmentMode?: boolean;
  /** Maps errors of a framework; `undefined` applies the rules of this file. */
  mapError?: ((error: unknown) => { status: number; body: object } | undefined) | undefined;
}

/**
 * Decides which error a caller gets for a thrown value (docs/wire.md#12-error-bodies, docs/wire.md#13-status-categories).
 *
 * @param thrown any value, including `undefined`
 * @param activityId replaces hidden details, so that the log can be searched for it
 */
export function encodeError(thrown: unknown, activityId: string, policy: ErrorPolicy = {}): WireError {
  if (thrown instanceof AnsweredError) return thrown.wire;
  const mapped = policy.mapError?.(thrown);
  if (mapped) return { ...mapped, internal: false, whole: false };
  let exposure = exposureOf(thrown, policy);
  // A control response can be an error, as on channels. It is meant for callers.
  if (thrown instanceof RpcControlResponse && policy.exposeError?.(thrown) !== false) exposure = 'whole';
  if (exposure === 'hidden') {
    const hidden = hiddenError(activityId);
    if (policy.developmentMode) hidden.hint = hintFor(thrown);
    return withStack(hidden, thrown, policy);
  }
  if (exposure === 'message') return withStack(bareError(thrown as Error), thrown, policy);
  if (thrown instanceof Error) {
    const body = errorMembers(thrown);
    if (policy.developmentMode) body['stack'] = thrown.stack;
    const retryAfter = thrown instanceof TransientError ? thrown.retryAfter : undefined;
    return { status: statusOf(thrown), body, retryAfter, internal: false, whole: true };
  }
  // A thrown value without an error number has no category: its status is 500.
  if (typeof thrown === 'object' && thrown !== null) {
    // A plain object may be a copy of an error.
    const { stack: _stack, cause: _cause, ...rest } = thrown as Record<string, unknown>;
    const body = !Array.isArray(thrown) && ('stack' in thrown || 'cause' in thrown) ? rest : thrown;
    return { status: 500, body, internal: false, whole: true };
  }
  const message =
    thrown === undefined || thrown === null ? 'The operation failed without an error.' : String(thrown);
  return { status: 500, body: { message, isError: true, name: 'Error' }, internal: false, whole: true };
}

function withStack(error: WireError, thrown: unknown, { developmentMode }: ErrorPolicy): WireError {
  if (developmentMode && thrown instanceof Error) (error.body as { stack?: unknown }).stack = thrown.stack;
  return error;
}

/** Names the class for the developer. No code depends on the name. */
function hintFor(thrown: unknown): string {
  const { name = 'value' } = (Object(thrown) as { constructor?: { name?: string } }).constructor ?? {};
  return (
    `The caller got "Internal error" in place of this ${name}. To show it, mark its class @Exposed(), or throw an ` +
    'HttpException or an IModelError.'
  );
}

function statusOf(error: Error): number {
  if (error instanceof TransientError) return error.status;
  const number = (error as { errorNumber?: unknown }).errorNumber;
  return (typeof number === 'number' && errorTable.get(number)?.[0]) || 500;
}
