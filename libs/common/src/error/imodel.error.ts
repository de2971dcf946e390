import { Exposed } from './error.members.js';
import { errorTable, IModelStatus, RpcInterfaceStatus } from './status.table.js';
import { NumberedError } from '../base/numbered.error.js';
import type { ErrorMetaData } from '../base/numbered.error.js';

export { GENERAL_ERROR } from '../base/numbered.error.js';

/**
 * An error with a number, as iTwin.js has them: number, name and message reach the caller, and the
 * number selects the HTTP status.
 */
export class IModelError extends NumberedError {
  /**
   * @param errorNumber one of the iTwin.js status enumerations (`IModelStatus`, `RpcInterfaceStatus`) or a
   * number of the application's own
   * @param message for the caller; it leaves the process as it is
   * @param metaData for the log: an object, or a function that makes one when it is asked for. Frontends of
   * iTwin.js get it over IPC as `loggingMetadata`
   */
  constructor(errorNumber: number, message: string, metaData?: ErrorMetaData) {
    super(errorNumber, errorName(errorNumber), message, metaData);
  }

  /**
   * Errors of clients are of this kind too, though they do without its table of names; and so is a `BentleyError` of
   * `@itwin/core-bentley`, whose members are the same.
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

/** The server's interface is missing something that the client's version of it needs. */
export function incompatibleVersion(backend: string, frontend: string, operation: string): IModelError {
  return new IModelError(
    RpcInterfaceStatus.IncompatibleVersion,
    `Backend version ${backend} does not match frontend version ${frontend} for RPC interface ${operation}.`,
  );
}

/**
 * "Not now": the call had no effect and may be sent again. iTwin.js clients repeat it by themselves, after
 * `retryAfter` where it is given.
 */
export class TransientError extends Error {
  static {
    Exposed()(this);
  }

  constructor(
    message: string,
    /** One of the statuses that clients repeat. */
    public readonly status: 408 | 429 | 502 | 503 | 504 = 503,
    /** When to come back: seconds (fractions allowed), or an HTTP date. */
    public readonly retryAfter?: number | string,
  ) {
    super(message);
    this.name = 'TransientError';
  }

  /**
   * Whether the call surely had no effect. An answer over HTTP then says so by `X-Linnet-Not-Begun`, and our client
   * repeats it whatever the operation does.
   */
  get hasNoEffect(): boolean {
    return true;
  }
}
