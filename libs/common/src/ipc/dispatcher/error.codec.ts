import type { Activity } from '../../call/activity.js';
import type { CallReport } from '../../call/call.report.js';
import { nameError, wireNameOf } from '../../base/error.name.js';
import { encodeError } from '../../error/error.codec.js';
import type { ErrorPolicy } from '../../error/error.codec.js';
import { bareError, exposureOf, hiddenError, originKeys } from '../../error/error.members.js';
import type { ErrorExposure, WireError } from '../../error/error.members.js';

/** How much of errors callers see, and where the rest is reported. */
export interface IpcErrorOptions extends ErrorPolicy {
  /** Receives the errors that callers do not see, and warnings for developers. */
  readonly report?: (report: CallReport) => void;
}

type Members = Record<string, unknown>;

/**
 * Encodes a thrown value for its caller, and reports it.
 *
 * @param internal whether it is a fault of the server, whatever the error is
 * @returns the value of `error` in the envelope
 */
export function answerFailure(
  thrown: unknown,
  activity: Activity,
  options: IpcErrorOptions,
  internal = false,
): unknown {
  const tell = (error: WireError, what = thrown) =>
    options.report?.({ kind: 'error', thrown: what, error, activity });
  try {
    const error = encodeError(thrown, activity.activityId, options);
    tell(internal ? { ...error, internal } : error);
    return encodeIpcError(thrown, error, options);
  } catch (failure) {
    // An option of the application has failed. The thrown value is reported as well.
    const hidden = hiddenError(activity.activityId);
    tell(hidden);
    tell(hidden, failure);
    return encodeIpcError(failure, hidden);
  }
}

/**
 * Encodes a failure for IPC by the rules of {@link encodeError}, with the members from which iTwin.js frontends
 * make their errors (docs/wire.md#36-handler-envelope).
 */
export function encodeIpcError(
  thrown: unknown,
  { whole, bare, body }: WireError,
  policy: ErrorPolicy = {},
): unknown {
  if (!whole) {
    const { isError: _, ...members } = body as Members;
    // As in iTwin.js: a name that every error has is not sent.
    if (bare && !Object.hasOwn(thrown as object, 'name')) delete members['name'];
    return identified(members);
  }
  if (thrown instanceof Error) return errorMembers(thrown, policy, new Set(), policy.developmentMode);
  if (Array.isArray(thrown)) return sendable(thrown, policy, new Set());
  if (typeof thrown === 'object' && thrown !== null) return plainMembers(thrown, policy, new Set());
  // An absent value would look like success. Values that JSON does not have become text.
  const isText = thrown === null || ['string', 'number', 'boolean'].includes(typeof thrown);
  return isText ? thrown : { message: (body as Members)['message'] };
}

/** Adds the member that makes the error a `BackendError` in the frontend, with its number and name. */
function identified(members: Members): Members {
  if (typeof members['errorNumber'] === 'number' && !Object.hasOwn(members, 'iTwinErrorId'))
    members['iTwinErrorId'] = { scope: 'bentley-error', key: members['name'] };
  return members;
}

/** The members in the order of iTwin.js. */
function errorMembers(error: Error, exposure: ErrorExposure, outer: Set<object>, withStack = false): Members {
  const members = plainMembers(error, exposure, outer);
  // The wire has no such member, or it is added below.
  delete members['_metaData'];
  members['message'] = error.message;
  if ('name' in members) members['name'] = wireNameOf(error, members['name']);
  if (withStack) members['stack'] = error.stack;
  identified(members);
  const { hasMetaData, loggingMetadata } = error as { hasMetaData?: unknown; loggingMetadata?: unknown };
  if (hasMetaData === true) members['loggingMetadata'] = sendable(loggingMetadata, exposure, outer);
  return members;
}

function plainMembers(value: object, exposure: ErrorExposure, outer: Set<object>): Members {
  const members: Members = {};
  outer.add(value);
  for (const [key, item] of Object.entries(value)) {
    const member = originKeys.has(key) ? undefined : sendable(item, exposure, outer);
    if (member !== undefined) members[key] = member;
  }
  outer.delete(value);
  return members;
}

/** A member as it is sent: plain data, without cycles and other instances. */
function sendable(value: unknown, exposure: ErrorExposure, outer: Set<object>): unknown {
  if (typeof value !== 'object' || value === null)
    return ['function', 'symbol', 'bigint'].includes(typeof value) ? undefined : value;
  if (value instanceof Date) return value;
  if (outer.has(value)) return undefined;
  if (Array.isArray(value) || value instanceof Map || value instanceof Set)
    return sendableItems(value, exposure, outer);
  if (value instanceof Error) {
    const exposed = exposureOf(value, exposure);
    if (exposed === 'whole') return errorMembers(value, exposure, outer);
    return encodeIpcError(value, exposed === 'hidden' ? hiddenError('') : bareError(value));
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null
    ? plainMembers(value, exposure, outer)
    : undefined;
}

function sendableItems(
  value: unknown[] | Map<unknown, unknown> | Set<unknown>,
  exposure: ErrorExposure,
  outer: Set<object>,
): unknown {
  outer.add(value);
  const items =
    value instanceof Map
      ? plainMembers(Object.fromEntries(value) as object, exposure, outer)
      : [...value].map((item) => sendable(item, exposure, outer));
  outer.delete(value);
  return items;
}

/** Makes an Error of the members that a handler of the frontend threw. */
export function rebuildFrontendError(thrown: object): Error {
  // The stack belongs to the frontend, and a name that is not a text could not be printed.
  const { message, name, stack: _, ...members } = thrown as Members;
  const rebuilt = Object.assign(new Error(typeof message === 'string' ? message : 'unknown error'), members);
  if (typeof name === 'string') nameError(rebuilt, name);
  return rebuilt;
}
