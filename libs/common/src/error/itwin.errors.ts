import { noContent, ServerError } from './backend.error.js';
import { wireNameOf } from '../base/error.name.js';
import { NumberedError } from '../base/numbered.error.js';

/** Classes of errors that `@itwin/core-common` exports. */
export interface ItwinErrorClasses {
  /** For an error that a backend answered with. `getMetaData` returns all its members. */
  readonly BackendError: new (
    errorNumber: number,
    name: string,
    message: string,
    getMetaData?: () => object,
  ) => Error;
  /** For a server that cannot be reached, or that gives no RPC answer. */
  readonly ServerError: new (errorNumber: number, message: string) => Error;
  /** For a server, or a gateway before it, that answers 504. Default: `ServerError`. */
  readonly ServerTimeoutError?: new (message: string) => Error;
  /** For an answer without content. Default: `BackendError`. */
  readonly NoContentError?: new () => Error;
}

/** The status that clients of iTwin.js treat as a timeout. */
const TIMEOUT = 504;

/**
 * Makes clients reject with errors of the classes of `@itwin/core-common`, for code that checks them by `instanceof`.
 *
 * ```ts
 * import * as itwin from '@itwin/core-common';
 * createRpcClient({ uriPrefix, mapError: itwinErrors(itwin) });
 * ```
 *
 * @returns the option `mapError` of a client or a frontend. Errors without a number stay as they are
 */
export function itwinErrors(classes: ItwinErrorClasses): (error: unknown) => unknown {
  const { BackendError, ServerError: Server, ServerTimeoutError, NoContentError } = classes;
  return (error) => {
    if (!(error instanceof NumberedError)) return error;
    const { errorNumber, message } = error;
    const name = wireNameOf(error, error.name);
    // The classes set these members themselves.
    const {
      stack: _stack,
      message: _message,
      name: _name,
      errorNumber: _number,
      ...members
    } = Object.getOwnPropertyDescriptors(error);
    let made: Error;
    if (error instanceof ServerError)
      made =
        ServerTimeoutError && error.status === TIMEOUT
          ? new ServerTimeoutError(message)
          : new Server(errorNumber, message);
    else if (NoContentError && errorNumber === noContent.errorNumber) made = new NoContentError();
    else
      made = new BackendError(errorNumber, name, message, () => Object.assign({ message }, error, { name }));
    return Object.defineProperties(made, members);
  };
}
