import { DeadlineError } from '../error/backend.error.js';
import { TransientError } from '../error/imodel.error.js';
import { errorTable } from '../error/status.table.js';
import { IpcClosedError } from '../ipc/channel/closure.js';

/** An error as attributes of a span, all of bounded length. */
interface DescribedError {
  /** One of a fixed set of values, whatever a peer or an application throws. */
  readonly type: string;
  readonly name: string;
  readonly message: string;
  /** The number of the error, if it has one. */
  readonly code: string | undefined;
  readonly stack: string | undefined;
}

/** The value of `error.type` for errors that have none of their own. */
const OTHER = '_OTHER';

const unreadable: DescribedError = {
  type: OTHER,
  name: 'Error',
  message: 'The thrown value cannot be inspected.',
  code: undefined,
  stack: undefined,
};

/** Describes a thrown value of any kind. Never throws. */
export function describeError(thrown: unknown): DescribedError {
  try {
    const { name, message, stack, errorNumber } = Object(thrown) as Partial<Record<string, unknown>>;
    return {
      type: typeOf(thrown),
      name: text(name, 'Error').slice(0, 100),
      message: text(message, String(thrown)).slice(0, 1000),
      code: typeof errorNumber === 'number' ? String(errorNumber) : undefined,
      stack: typeof stack === 'string' ? stack.slice(0, 10_000) : undefined,
    };
  } catch {
    // A proxy may throw when it is read.
    return unreadable;
  }
}

function text(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}

/** `error.type`: an error number of iTwin.js, an HTTP status, or a word. */
export function errorType(thrown: unknown): string {
  try {
    return typeOf(thrown);
  } catch {
    return OTHER;
  }
}

function typeOf(thrown: unknown): string {
  if (thrown instanceof DeadlineError) return 'deadline';
  if (thrown instanceof IpcClosedError) return 'closed';
  const { name, errorNumber } = Object(thrown) as { name?: unknown; errorNumber?: unknown };
  if (name === 'AbortError') return 'aborted';
  const status = statusOf(thrown);
  if (typeof errorNumber === 'number' && errorNumber > 599 && errorTable.has(errorNumber))
    return String(errorNumber);
  return status === undefined ? OTHER : String(status);
}

/** The HTTP status of an exception of Nest, or of the answer that a client got. */
function statusOf(thrown: unknown): number | undefined {
  const { status, getStatus } = Object(thrown) as { status?: unknown; getStatus?: unknown };
  const value: unknown = typeof getStatus === 'function' ? getStatus.call(thrown) : status;
  return Number.isInteger(value) && (value as number) >= 400 && (value as number) < 600
    ? (value as number)
    : undefined;
}

/** Whether an error is a fault of the server that threw it. Errors with a number, and exceptions below 500, are for the caller. */
export function isFault(thrown: unknown): boolean {
  try {
    if (thrown instanceof TransientError) return false;
    const status = statusOf(thrown);
    if (status !== undefined && !('errorNumber' in Object(thrown))) return status >= 500;
    return !(thrown instanceof Error && ('errorNumber' in thrown || 'iTwinErrorId' in thrown));
  } catch {
    return true;
  }
}
