/** Error number of errors that have no better one (`BentleyStatus.ERROR` of iTwin.js). */
export const GENERAL_ERROR = 32768;

/**
 * An error with a number and a name that were chosen for it. Knows no table of names: what clients are made of
 * throws this one, and stays small.
 */
export class NumberedError extends Error {
  /**
   * @param name goes over the wire beside the number
   * @param message for the caller
   */
  constructor(
    /** What callers tell errors apart by, on every transport. */
    public readonly errorNumber: number,
    name: string,
    message: string,
  ) {
    super(message);
    // An own member, and after the number: the order in which the reference writes them.
    this.name = name;
  }
}

/** A value or message that breaks the rules of the wire; named as the reference does. */
export function generalError(message: string): NumberedError {
  return new NumberedError(GENERAL_ERROR, 'Error', message);
}
