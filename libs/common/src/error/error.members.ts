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
  /** Whether the caller sees less than was thrown: the rest belongs into the log. */
  internal: boolean;
  /** Whether the body has all members of what was thrown, and was not made for it. */
  whole: boolean;
  /** The body has name and message of what was thrown, and no other member. */
  bare?: boolean;
  /** For the log, in development mode: how to show callers what they did not see. */
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

/** Members of errors of the system, of drivers and of clients: the message of such an error tells about the inside. */
const insideMarks =
  'code syscall errno errcode sql sqlState sqlMessage query driverError config request response ' +
  'command cmd spawnargs stderr requireStack';
const insideMembers = insideMarks.split(' ');

/** How much of what was thrown may be seen from outside. */
export function exposureOf(
  thrown: unknown,
  { exposeErrors, exposeError }: ErrorExposure = {},
): 'whole' | 'message' | 'hidden' {
  const verdict: unknown = exposeError?.(thrown) ?? (exposeErrors === 'all' || undefined);
  // A promise, as of an asynchronous function, is not a yes.
  if (verdict !== undefined) return verdict === true ? 'whole' : 'hidden';
  // A primitive has nothing inside: a text that is thrown is meant to be read.
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

/** The body of an error that stays inside: it says that the call failed, and names the activity to search the log for. */
export function hiddenError(activityId: string): WireError {
  const name = 'InternalError';
  const body = { message: 'Internal error', errorNumber: GENERAL_ERROR, isError: true, name, activityId };
  return { status: 500, body, internal: true, whole: false };
}

/** An error as a member of a value: the same rules, without an activity to refer to. */
export function encodeErrorValue(error: Error, exposure?: ErrorExposure): unknown {
  const exposed = exposureOf(error, exposure);
  if (exposed === 'hidden') return hiddenError('').body;
  return exposed === 'whole' ? errorMembers(error) : bareError(error).body;
}

/** Where errors have come from is nothing for a caller, also when they were made plain objects before. */
export const originKeys: ReadonlySet<string> = new Set(['__proto__', 'stack', 'cause']);

/**
 * A member of an error as it is sent: without the origin of the errors in it, and without a BigInt or a reference to an
 * object that contains it, which no text has.
 *
 * @param outer the objects that contain the member
 */
export function withoutOrigin(value: unknown, exposure?: ErrorExposure, outer = new Set<object>()): unknown {
  if (typeof value === 'bigint') return undefined;
  if (typeof value !== 'object' || value === null) return value;
  if (outer.has(value)) return undefined;
  const prototype: unknown = Object.getPrototypeOf(value);
  outer.add(value);
  let told: unknown = value;
  if (value instanceof Error) told = withoutOrigin(encodeErrorValue(value, exposure), exposure, outer);
  else if (Array.isArray(value)) told = value.map((item) => withoutOrigin(item, exposure, outer));
  else if (prototype === Object.prototype || prototype === null) {
    const members = Object.entries(value).filter(([key]) => !originKeys.has(key));
    told = Object.fromEntries(members.map(([key, item]) => [key, withoutOrigin(item, exposure, outer)]));
  }
  outer.delete(value);
  return told;
}

/** The members that any wire can carry, of an error whose other members cannot be sent. */
export function primitiveMembers(members: object): Record<string, unknown> {
  const sent = Object.entries(members).filter(([, member]) => !['object', 'bigint'].includes(typeof member));
  return { message: 'The error cannot be sent.', ...Object.fromEntries(sent) };
}

/** Name and message. Texts only: either may be an object that a library has put there. */
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

/** The members of an error; its own stack is there only where it is to be told. */
export function visibleMembers(body: object, exposure: ErrorExposure): unknown {
  if (Array.isArray(body)) return withoutOrigin(body, exposure);
  const outer = new Set([body]);
  const members = Object.entries(body).map(([key, member]) => [key, withoutOrigin(member, exposure, outer)]);
  // A caller has to learn of it, also where no member of what was thrown can be sent.
  const isEmpty = members.length > 0 && members.every(([, member]) => member === undefined);
  return isEmpty ? primitiveMembers({}) : Object.fromEntries(members);
}
