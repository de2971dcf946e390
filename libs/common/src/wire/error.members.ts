import { GENERAL_ERROR } from '../call/numbered.error.js';

/** An error as it leaves the process. */
export interface WireError {
  /** The HTTP status of its category (protocol 2). */
  status: number;
  /** What the caller reads; a plain JSON value. */
  body: unknown;
  /** Seconds or HTTP date after which the call may be repeated. */
  retryAfter?: number | string | undefined;
  /** Whether the caller sees less than was thrown: the rest belongs into the log. */
  internal: boolean;
  /** Whether the body is what was thrown itself, and not made for it. */
  whole: boolean;
}

const EXPOSED = Symbol.for('@linnet/common/Exposed');

/** Class decorator: errors of this class reach the caller with name, message and own members. */
export function Exposed(): ClassDecorator {
  return (target) => {
    Object.defineProperty(target.prototype, EXPOSED, { value: true });
  };
}

/** Members that errors of drivers and of the system bear; such an error tells about the inside. */
const insideMarks =
  'syscall errno errcode sql sqlState sqlMessage query driverError config request response ' +
  'command cmd spawnargs stderr requireStack';
const insideMembers = insideMarks.split(' ');

/** Whether what was thrown may be seen from outside as it is. */
export function isExposed(thrown: unknown): boolean {
  // A primitive has nothing inside: who throws a text means it to be read.
  if (typeof thrown !== 'object' || thrown === null) return true;
  const members = thrown as Record<PropertyKey, unknown>;
  if (typeof members['errorNumber'] === 'number' || hasITwinErrorId(members)) return true;
  if (members[EXPOSED] === true) return true;
  const prototype: unknown = Object.getPrototypeOf(thrown);
  if (!(thrown instanceof Error)) return prototype === Object.prototype || prototype === null;
  if (
    prototype !== Error.prototype &&
    prototype !== TypeError.prototype &&
    prototype !== RangeError.prototype
  )
    return false;
  if ('code' in members && 'path' in members) return false;
  return !insideMembers.some((member) => member in members);
}

function hasITwinErrorId(members: Record<PropertyKey, unknown>): boolean {
  const id = members['iTwinErrorId'] as { scope?: unknown; key?: unknown } | null | undefined;
  return typeof id === 'object' && id !== null && typeof id.scope === 'string' && typeof id.key === 'string';
}

/** What a caller sees of a failure that is not its business: that it happened, and where the log has the rest. */
export function hiddenError(activityId: string): WireError {
  const name = 'InternalError';
  const body = { message: 'Internal error', errorNumber: GENERAL_ERROR, isError: true, name, activityId };
  return { status: 500, body, internal: true, whole: false };
}

/** An error as a member of a value: the same rules, without an activity to refer to. */
export function encodeErrorValue(error: Error): unknown {
  return isExposed(error) ? errorMembers(error) : hiddenError('').body;
}

/** Where errors have come from is nothing for a caller, also when they were made plain objects before. */
export const originKeys: ReadonlySet<string> = new Set(['__proto__', 'stack', 'cause']);

/** What is told of a member of an error: all but the origin of whatever errors it has. Throws for a cycle. */
export function withoutOrigin(value: unknown): unknown {
  if (value instanceof Error) return withoutOrigin(encodeErrorValue(value));
  if (Array.isArray(value)) return value.map(withoutOrigin);
  if (typeof value !== 'object' || value === null) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  const told = Object.entries(value).filter(([key]) => !originKeys.has(key));
  return Object.fromEntries(told.map(([key, item]) => [key, withoutOrigin(item)]));
}

/** Message and own members, then `isError`, and the name where it is no own member (WIRE 1.2). */
export function errorMembers(error: Error): Record<string, unknown> {
  const members: Record<string, unknown> = { message: error.message };
  for (const [key, value] of Object.entries(error)) {
    if (!originKeys.has(key)) members[key] = value;
  }
  members['isError'] = true;
  members['name'] ??= error.name;
  return members;
}
