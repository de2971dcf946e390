import { nameError, wireNameOf } from './error.name.js';

/** The number of errors without a more specific one (`BentleyStatus.ERROR` of iTwin.js). */
export const GENERAL_ERROR = 32768;

/**
 * An error with a number and a name of your choice. Unlike `IModelError` it needs no table of names, so that clients stay
 * small.
 */
export class NumberedError extends Error {
  readonly #metaData: ErrorMetaData;

  /**
   * @param name goes over the wire beside the number; a name without meaning is replaced by {@link nameError}
   * @param message for the caller
   * @param metaData for the log: an object, or a function that creates it on demand
   */
  constructor(
    /** Distinguishes errors for callers, on every transport. */
    public readonly errorNumber: number,
    name: string,
    message: string,
    metaData?: ErrorMetaData,
  ) {
    super(message);
    // An own member after the number, because the reference writes them in this order.
    nameError(this, name);
    this.#metaData = metaData;
  }

  /** Identifies the error for `BentleyError.isError` and `ITwinError.isError` of iTwin.js. */
  get iTwinErrorId(): { readonly scope: string; readonly key: string } {
    return { scope: 'bentley-error', key: wireNameOf(this, this.name) };
  }

  /** Whether the error has metadata. */
  get hasMetaData(): boolean {
    return this.#metaData !== undefined;
  }

  /** The metadata given to the constructor; see {@link getMetaData}. */
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

/** Adds the name of the operation to the error of an argument or result that cannot be sent. @returns the error */
export function inOperation(error: unknown, operation: string): unknown {
  if (error instanceof NumberedError && error.message.startsWith('The value '))
    error.message = `${operation}: ${error.message}`;
  return error;
}

/** An error for a value or message that breaks the rules of the wire, with the name that the reference uses. */
export function generalError(message: string): NumberedError {
  return new NumberedError(GENERAL_ERROR, 'Error', message);
}
