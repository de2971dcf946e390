import { itwinResponseKind } from './itwin.response.js';

/** An implementation throws this to give an answer that is neither a result nor an error. */
export class RpcControlResponse {
  /** Text for the user. */
  message = 'RpcControlResponse';

  /** Control responses of `@itwin/core-common` are instances of this class and of its subclasses, too. */
  static [Symbol.hasInstance](value: unknown): boolean {
    if (this !== RpcControlResponse) return isInstance(this, value);
    return isInstance(this, value) || itwinResponseKind(value) !== undefined;
  }
}

/** An implementation that needs more time throws this. The client shows the message and repeats the request. */
export class RpcPendingResponse extends RpcControlResponse {
  /** @param message progress for the user, for instance `40 of 100 shelves` */
  constructor(message = '') {
    super();
    this.message = message;
  }

  /** See {@link RpcControlResponse}. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this !== RpcPendingResponse) return isInstance(this, value);
    return isInstance(this, value) || itwinResponseKind(value) === 'pending';
  }
}

/**
 * An implementation throws this if it cannot find an object that the request refers to. The handlers of the client receive
 * this object and can repeat the request with other arguments. Extend the class to add members.
 */
export class RpcNotFoundResponse extends RpcControlResponse {
  /** Text for the log. */
  override message = 'Not found';

  /** See {@link RpcControlResponse}. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this !== RpcNotFoundResponse) return isInstance(this, value);
    return isInstance(this, value) || itwinResponseKind(value) === 'notFound';
  }
}

function isInstance(type: object, value: unknown): boolean {
  return Function.prototype[Symbol.hasInstance].call(type, value);
}
