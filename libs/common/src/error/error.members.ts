import { wireNameOf } from '../base/error.name.js';
import { GENERAL_ERROR } from '../base/numbered.error.js';

/** An error as it leaves the process. */
export interface WireError {
  /** The HTTP status of its category (protocol 2). */
  status: number;
  /** The body that the caller reads: a plain JSON value. */
  body: unknown;
  /** Seconds or HTTP date after which the call may be repeated. */
  retryAfter?: number | string | undefined;
  /** Whether the caller sees less than was thrown, so that the log must show the rest. */
  internal: boolean;
  /** Whether the body has all members of the thrown value, rather than members made for it. */
  whole: boolean;
  /** The body has the name and the message of the thrown value, and no other member. */
  bare?: boolean;
  /** For the log, in development mode: how to show the error to callers. */
  hint?: string;
}

/** Which errors callers may see. */
export interface ErrorExposure {
  /**
   * `marked` (default): errors that were made for callers, and of a plain `Error` its name and message. `all`: every
   * error with all its members, as iTwin.js has it; never its cause, and its stack in development mode only.
   */
  exposeErrors?: 'marked' | 'all' | undefined;
  /** Overrides `exposeErrors`: `true` sends the error with all its members, `false` hides it. */
  exposeError?: ((error: unknown) => boolean | undefined) | undefined;
}

const EXPOSED = Symbol.for('@linnet/common/Exposed');

/** Class decorator: errors of this class reach the caller with name, message and own members. */
export function Exposed(): ClassDecorator {
  return (target) => {
    Object.defineProperty(target.prototype, EXPOSED, { value: true });
  };
}

/** Members of errors from the system, drivers and clients. The messages of such errors reveal the inside of the server. */
const insideMarks =
  'code syscall errno errcode sql sqlState sqlMessage query driverError config request response ' +
  'command cmd spawnargs stderr requireStack';
const insideMembers = insideMarks.split(' ');

/** How much of a thrown value a caller may see. */
export function exposureOf(
  thrown: unknown,
  { exposeErrors, exposeError }: ErrorExposure = {},
): 'whole' | 'message' | 'hidden' {
  const verdict: unknown = exposeError?.(thrown) ?? (exposeErrors === 'all' || undefined);
  // Only `true` means yes. An asynchronous function returns a promise.
  if (verdict !== undefined) return verdict === true ? 'whole' : 'hidden';
  // A primitive hides nothing: a thrown text is meant for the caller.
  if (typeof thrown !== 'object' || thrown === null) return 'whole';
  const members = thrown as Record<PropertyKey, unknown>;
  if (typeof members['errorNumber'] === 'number' || hasITwinErrorId(members)) return 'whole';
  if (members[EXPOSED] === true) return 'whole';
  const prototype: unknown = Object.getPrototypeOf(thrown);
  // Classes are not recognised by their names. A plain object that has a stack was an error of some class.
  const isPlain = prototype === Object.prototype || prototype === null || Array.isArray(thrown);
  if (isPlain ? !('stack' in members) : prototype !== Error.prototype) return isPlain ? 'whole' : 'hidden';
  if (insideMembers.some((member) => member in members)) return 'hidden';
  return isPlain ? 'whole' : 'message';
}

function hasITwinErrorId(members: Record<PropertyKey, unknown>): boolean {
  const id = members['iTwinErrorId'] as { scope?: unknown; key?: unknown } | null | undefined;
  return typeof id === 'object' && id !== null && typeof id.scope === 'string' && typeof id.key === 'string';
}

/** An error that was encoded before: an earlier run of its call has ended with it. */
export class AnsweredError extends Error {
  constructor(readonly wire: WireError) {
    super(String((Object(wire.body) as { message?: unknown }).message ?? ''));
  }
}

/** The body that replaces a hidden error. It has only the id of the activity, so that the log can be searched for it. */
export function hiddenError(activityId: string): WireError {
  const name = 'InternalError';
  const body = { message: 'Internal error', errorNumber: GENERAL_ERROR, isError: true, name, activityId };
  return { status: 500, body, internal: true, whole: false };
}

/** Encodes an error inside a value by the same rules, but without an activity id. */
export function encodeErrorValue(error: Error, exposure?: ErrorExposure): unknown {
  const exposed = exposureOf(error, exposure);
  if (exposed === 'hidden') return hiddenError('').body;
  return exposed === 'whole' ? errorMembers(error) : bareError(error).body;
}

/** The origin of an error is hidden from callers, also if the error was copied to a plain object. */
export const originKeys: ReadonlySet<string> = new Set(['__proto__', 'stack', 'cause']);

/**
 * Copies a member of an error for the wire, without the origin of nested errors. It omits a BigInt and a reference back to
 * an object that contains it, because JSON has neither.
 *
 * @param outer the objects that contain the member
 */
export function withoutOrigin(value: unknown, exposure?: ErrorExposure, outer = new Set<object>()): unknown {
  if (typeof value === 'bigint') return undefined;
  if (typeof value !== 'object' || value === null) return value;
  if (outer.has(value)) return undefined;
  const prototype: unknown = Object.getPrototypeOf(value);
  outer.add(value);
  let sent: unknown = value;
  if (value instanceof Error) sent = withoutOrigin(encodeErrorValue(value, exposure), exposure, outer);
  else if (Array.isArray(value)) sent = value.map((item) => withoutOrigin(item, exposure, outer));
  else if (prototype === Object.prototype || prototype === null) {
    const members = Object.entries(value).filter(([key]) => !originKeys.has(key));
    sent = Object.fromEntries(members.map(([key, item]) => [key, withoutOrigin(item, exposure, outer)]));
  }
  outer.delete(value);
  return sent;
}

/** The primitive members of an error whose other members cannot be sent. */
export function primitiveMembers(members: object): Record<string, unknown> {
  const sent = Object.entries(members).filter(([, member]) => !['object', 'bigint'].includes(typeof member));
  return { message: 'The error cannot be sent.', ...Object.fromEntries(sent) };
}

/** Name and message, as texts: a library may have put an object into either. */
export function bareError({ name, message }: Error): WireError {
  const text = (value: unknown, other: string) => (typeof value === 'string' ? value : other);
  const body = { message: text(message, ''), isError: true, name: text(name, 'Error') };
  return { status: 500, body, internal: false, whole: false, bare: true };
}

/** Message and own members, then `isError`, then the name if it is not an own member (docs/wire.md#12-error-bodies). */
export function errorMembers(error: Error): Record<string, unknown> {
  const members: Record<string, unknown> = { message: error.message };
  for (const [key, value] of Object.entries(error)) {
    if (!originKeys.has(key)) members[key] = key === 'name' ? wireNameOf(error, value) : value;
  }
  members['isError'] = true;
  members['name'] ??= error.name;
  return members;
}

/** The members of an error that callers may see. Its own stack is among them only if `body` has it. */
export function visibleMembers(body: object, exposure: ErrorExposure): unknown {
  if (Array.isArray(body)) return withoutOrigin(body, exposure);
  const outer = new Set([body]);
  const members = Object.entries(body).map(([key, member]) => [key, withoutOrigin(member, exposure, outer)]);
  // The caller must get an error, even if no member can be sent.
  const isEmpty = members.length > 0 && members.every(([, member]) => member === undefined);
  return isEmpty ? primitiveMembers({}) : Object.fromEntries(members);
}
