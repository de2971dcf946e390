import { GENERAL_ERROR, NumberedError } from '../base/numbered.error.js';

/** An error that a backend answered with, as far as it crossed: number, name, message and members. */
export class BackendError extends NumberedError {
  /** The HTTP status that it came with, where it came over HTTP and has no member of its own by this name. */
  declare readonly status?: number;
  /** When the server wants the call to come back, in milliseconds from the answer, where its `Retry-After` says so. */
  declare readonly retryAfterMs?: number;
}

/** A server that could not be reached, or did not answer as one of RPC. */
export class ServerError extends NumberedError {
  /** When the server wants the call to come back, in milliseconds from the answer, where its `Retry-After` says so. */
  declare readonly retryAfterMs?: number;

  constructor(
    /** The HTTP status, which is also the error's number; -1 without an answer. */
    readonly status: number,
    message: string,
  ) {
    super(status, 'ServerError', message);
  }
}

/** The members of a `NoContentError`, which the wire omits because all errors of this kind have them. */
export const noContent = { errorNumber: 65604, name: 'Error (65604)', message: 'No Content' };

/** The deadline of a call passed before its answer. */
export class DeadlineError extends Error {
  constructor(
    /** How long the client waited, in milliseconds. */
    readonly timeoutMs: number,
  ) {
    super(`The call was not answered within ${timeoutMs} ms.`);
    this.name = 'DeadlineError';
  }
}

/** Members that the constructor sets, or that concern only the other side. */
const ownMembers = new Set(['errorNumber', 'name', 'message', 'isError', 'stack', '__proto__']);

/**
 * Creates an error from the value that a backend sent: an object with a message, or any other thrown value.
 *
 * @param status the HTTP status, if the error arrived over HTTP
 */
export function rebuildError(value: unknown, status?: number): BackendError {
  const isObject = typeof value === 'object' && value !== null;
  const { errorNumber, name, message } = (isObject ? value : { message: String(value) }) as Record<
    string,
    unknown
  >;
  const error = new BackendError(
    Number.isFinite(errorNumber) ? (errorNumber as number) : GENERAL_ERROR,
    typeof name === 'string' ? name : 'Error',
    typeof message === 'string' ? message : 'unknown error',
  );
  // Not enumerable, so that a server that throws the error again does not send the status of another server.
  if (status !== undefined) Object.defineProperty(error, 'status', { value: status, configurable: true });
  for (const [key, member] of isObject ? Object.entries(value) : [])
    // Defined, not assigned: a member may have any name.
    if (!ownMembers.has(key))
      Object.defineProperty(error, key, {
        value: member,
        enumerable: true,
        writable: true,
        configurable: true,
      });
  return error;
}
