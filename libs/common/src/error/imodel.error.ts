import { Exposed } from './error.members.js';
import { errorTable, IModelStatus, RpcInterfaceStatus } from './status.table.js';
import { NumberedError } from '../base/numbered.error.js';
import type { ErrorMetaData } from '../base/numbered.error.js';

export { GENERAL_ERROR } from '../base/numbered.error.js';

/**
 * An error with a number of iTwin.js. The number selects the name and the HTTP status. Number, name and message reach the
 * caller.
 */
export class IModelError extends NumberedError {
  /**
   * @param errorNumber one of the iTwin.js status enumerations (`IModelStatus`, `RpcInterfaceStatus`) or a
   * number of your own
   * @param message for the caller, who gets it unchanged
   * @param metaData for the log: an object, or a function that creates it on demand. Frontends of
   * iTwin.js get it over IPC as `loggingMetadata`
   */
  constructor(errorNumber: number, message: string, metaData?: ErrorMetaData) {
    super(errorNumber, errorName(errorNumber), message, metaData);
  }

  /**
   * Every `NumberedError` is an instance, too, including the errors of clients. So is a `BentleyError` of
   * `@itwin/core-bentley`, which has the same members.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this !== IModelError) return super[Symbol.hasInstance](value);
    return value instanceof NumberedError || isBentleyError(value);
  }
}

function isBentleyError(value: unknown): boolean {
  if (!(value instanceof Error)) return false;
  const { errorNumber, getMetaData, iTwinErrorId } = value as Partial<NumberedError>;
  return (
    typeof errorNumber === 'number' &&
    typeof getMetaData === 'function' &&
    iTwinErrorId?.scope === 'bentley-error'
  );
}

/** The name that iTwin.js gives to an error number: `Not Found` for 65574, `Error (7)` for an unlisted 7. */
export function errorName(errorNumber: number): string {
  return errorTable.get(errorNumber)?.[1] ?? `Error (${errorNumber})`;
}

/**
 * Thrown by an implementation that has no result: HTTP 204. A caller gets an error with this name and the number 65604
 * (`IModelStatus.NoContent`).
 */
export class NoContentError extends IModelError {
  constructor() {
    super(IModelStatus.NoContent, 'No Content');
  }
}

/** The error for a client whose version of an interface the server does not support. */
export function incompatibleVersion(backend: string, frontend: string, operation: string): IModelError {
  return new IModelError(
    RpcInterfaceStatus.IncompatibleVersion,
    `Backend version ${backend} does not match frontend version ${frontend} for RPC interface ${operation}.`,
  );
}

/**
 * The call had no effect and may be repeated later. Clients repeat it without help from the application, after `retryAfter`
 * if it is set.
 */
export class TransientError extends Error {
  static {
    Exposed()(this);
  }

  constructor(
    message: string,
    /** A status after which clients repeat the call. */
    public readonly status: 408 | 429 | 502 | 503 | 504 = 503,
    /** When to repeat the call: seconds (fractions allowed), or an HTTP date. */
    public readonly retryAfter?: number | string,
  ) {
    super(message);
    this.name = 'TransientError';
  }

  /**
   * Whether the call certainly had no effect. The answer over HTTP then has the header `X-Linnet-Not-Begun`, after which our
   * client repeats the call even if its operation is not idempotent.
   */
  get hasNoEffect(): boolean {
    return true;
  }
}
