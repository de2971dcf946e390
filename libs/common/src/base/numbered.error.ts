import { nameError, wireNameOf } from './error.name.js';

/** Error number of errors that have no better one (`BentleyStatus.ERROR` of iTwin.js). */
export const GENERAL_ERROR = 32768;

/**
 * An error with a number and a name that were chosen for it. Knows no table of names: what clients are made of
 * throws this one, and stays small.
 */
export class NumberedError extends Error {
  readonly #metaData: ErrorMetaData;

  /**
   * @param name goes over the wire beside the number; a name without meaning is replaced by {@link nameError}
   * @param message for the caller
   * @param metaData for the log: an object, or a function that makes one when it is asked for
   */
  constructor(
    /** Members that tell errors apart for callers, on every transport. */
    public readonly errorNumber: number,
    name: string,
    message: string,
    metaData?: ErrorMetaData,
  ) {
    super(message);
    // An own member, and after the number: the order in which the reference writes them.
    nameError(this, name);
    this.#metaData = metaData;
  }

  /** Identifies the error for `BentleyError.isError` and `ITwinError.isError` of iTwin.js. */
  get iTwinErrorId(): { readonly scope: string; readonly key: string } {
    return { scope: 'bentley-error', key: wireNameOf(this, this.name) };
  }

  /** Whether the error was made with metadata. */
  get hasMetaData(): boolean {
    return this.#metaData !== undefined;
  }

  /** The metadata that the error was made with. */
  get loggingMetadata(): object | undefined {
    return this.getMetaData();
  }

  /** The metadata given to the constructor; `undefined` if it was given none. */
  getMetaData(): object | undefined {
    return typeof this.#metaData === 'function' ? this.#metaData() : this.#metaData;
  }
}

/** Metadata of an error, or a function that returns it. */
export type ErrorMetaData = object | (() => object | undefined) | undefined;

/** A value or message that breaks the rules of the wire; named as the reference does. */
/** Names the operation whose argument or result cannot be sent, in the error that says so. @returns the error */
export function inOperation(error: unknown, operation: string): unknown {
  if (error instanceof NumberedError && error.message.startsWith('The value '))
    error.message = `${operation}: ${error.message}`;
  return error;
}

export function generalError(message: string): NumberedError {
  return new NumberedError(GENERAL_ERROR, 'Error', message);
}
