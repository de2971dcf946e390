import { itwinResponseKind } from './itwin.response.js';

/** Thrown by an implementation to answer something else than a result or an error. */
export class RpcControlResponse {
  /** For whoever waits, or asks why. */
  message = 'RpcControlResponse';

  /** The control responses of `@itwin/core-common` are instances too, also of the subclasses below. */
  static [Symbol.hasInstance](value: unknown): boolean {
    if (this !== RpcControlResponse) return isInstance(this, value);
    return isInstance(this, value) || itwinResponseKind(value) !== undefined;
  }
}

/** Thrown by an implementation that is not done yet: the client shows the message and asks again later. */
export class RpcPendingResponse extends RpcControlResponse {
  /** @param message extended status for the person who waits, for instance `40 of 100 shelves` */
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
 * Thrown by an implementation that lacks what the request refers to, in a way the client may repair: its
 * handlers see this object (give it members of your own by subclassing) and may resubmit the request.
 */
export class RpcNotFoundResponse extends RpcControlResponse {
  /** For whoever asks why nothing was found. */
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
