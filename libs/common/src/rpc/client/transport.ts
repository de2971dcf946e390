import type { ActivityProps } from '../../call/activity.js';
import type { RpcInterfaceDefinition, RpcOperationPolicy } from '../definition/definition.js';
import type { IModelRpcProps } from '../definition/token.js';

/** One request of a call, whatever it travels by. */
export interface RpcRequest {
  /** Names the interface, in the client's version of it. */
  readonly definition: Pick<RpcInterfaceDefinition, 'interfaceName' | 'interfaceVersion'>;
  /** The operation that is called. */
  readonly operation: string;
  /** The policy of the operation, as far as transports use it. */
  readonly policy: Pick<RpcOperationPolicy, 'allowResponseCaching' | 'idempotency'>;
  /** The arguments. The transport encodes them. */
  readonly arguments: readonly unknown[];
  /** The identity of the caller; `accessToken` is the value of `Authorization`. */
  readonly activity: ActivityProps;
  /** Routes the request; `undefined` if no token is known. */
  readonly token: IModelRpcProps | undefined;
  /** Further headers of the call, for transports that have any. */
  readonly headers: Readonly<Record<string, string>>;
  /** The time that is left, in milliseconds; `undefined` without a deadline. */
  readonly timeoutMs: number | undefined;
  /** Aborted if the caller stops waiting. */
  readonly signal: AbortSignal;
}

/** The reply of a server. */
export type RpcReply =
  | { readonly kind: 'result'; readonly value: unknown }
  | { readonly kind: 'error'; readonly error: unknown }
  | { readonly kind: 'pending'; readonly message: string; readonly retryAfterMs?: number | undefined }
  | { readonly kind: 'notFound'; readonly response: object }
  /**
   * "Not now". The call may have been run, for instance behind a gateway that answers 504, unless `notBegun` says that it
   * surely was not.
   */
  | {
      readonly kind: 'transient';
      readonly error: Error;
      readonly retryAfterMs: number | undefined;
      readonly notBegun?: boolean;
    };

/** How requests travel. Rejects with an Error that no repetition can mend, and with the signal's reason. */
export interface RpcClientTransport {
  /** Sends a request, and resolves with what the server said of it, errors included. */
  exchange(request: RpcRequest): Promise<RpcReply>;
}
