/** An error that a backend answered with, as far as it crossed: number, name, message and members. */
export class BackendError extends Error {
  /** The number of an iTwin.js status; 32768 for an error that came without one. */
  readonly errorNumber: number;

  constructor(errorNumber: number, name: string, message: string) {
    super(message);
    this.errorNumber = errorNumber;
    this.name = name;
  }
}

/** A server that could not be reached, or did not answer as one of RPC. */
export class ServerError extends Error {
  constructor(
    /** The HTTP status; -1 where there was no answer at all. */
    readonly status: number,
    message: string,
  ) {
    super(message);
    this.name = 'ServerError';
  }
}

/** A call that was not answered in its time. */
export class DeadlineError extends Error {
  constructor(readonly timeoutMs: number) {
    super(`The call was not answered within ${timeoutMs} ms.`);
    this.name = 'DeadlineError';
  }
}

const GENERAL_ERROR = 32768;
/** Members that the error has by itself, or that are the other side's affair. */
const ownMembers = new Set(['errorNumber', 'name', 'message', 'isError', 'stack', '__proto__']);

/** Makes an error of what a backend sent: an object with a message, or anything that it may have thrown. */
export function rebuildError(value: unknown): Error {
  if (typeof value !== 'object' || value === null)
    return new BackendError(GENERAL_ERROR, 'Error', String(value));
  const { errorNumber, name, message } = value as Record<string, unknown>;
  const error = new BackendError(
    typeof errorNumber === 'number' ? errorNumber : GENERAL_ERROR,
    typeof name === 'string' ? name : 'Error',
    typeof message === 'string' ? message : 'unknown error',
  );
  for (const [key, member] of Object.entries(value))
    if (!ownMembers.has(key))
      Object.defineProperty(error, key, {
        value: member,
        enumerable: true,
        writable: true,
        configurable: true,
      });
  return error;
}
