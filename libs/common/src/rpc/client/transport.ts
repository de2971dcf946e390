import type { ActivityProps } from '../../call/activity.js';
import type { StreamItems } from '../../stream/stream.js';
import type { RpcInterfaceDefinition, RpcOperationPolicy } from '../definition/definition.js';
import type { IModelRpcProps } from '../definition/token.js';

/** The operation of a call. */
export interface RpcClientTarget {
  readonly definition: Pick<RpcInterfaceDefinition, 'interfaceName' | 'interfaceVersion'>;
  readonly operation: string;
  readonly policy: Pick<RpcOperationPolicy, 'allowResponseCaching' | 'idempotency' | 'stream' | 'token'> &
    Partial<Pick<RpcOperationPolicy, 'resumable'>>;
}

/** One request of a call, on any transport. */
export interface RpcRequest {
  /** Names the interface, in the client's version of it. */
  readonly definition: Pick<RpcInterfaceDefinition, 'interfaceName' | 'interfaceVersion'>;
  /** The operation that is called. */
  readonly operation: string;
  /** The policy of the operation, as far as transports use it. */
  readonly policy: Pick<RpcOperationPolicy, 'allowResponseCaching' | 'idempotency' | 'stream'>;
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
  /** The number of items that the caller has, if this request continues a stream. */
  readonly lastEventId?: number | undefined;
  /** Aborted if the caller stops waiting. */
  readonly signal: AbortSignal;
  /** Receives the progress of the call; `undefined` if the caller did not ask for it. */
  readonly onProgress?: ((value: unknown) => void) | undefined;
}

/** The reply of a server. */
export type RpcReply =
  | { readonly kind: 'result'; readonly value: unknown }
  /** The result is a stream, whose first item or end has arrived. It follows the signal of the request. */
  | { readonly kind: 'stream'; readonly items: StreamItems }
  | { readonly kind: 'error'; readonly error: unknown }
  | { readonly kind: 'pending'; readonly message: string; readonly retryAfterMs?: number | undefined }
  | { readonly kind: 'notFound'; readonly response: object }
  /**
   * The call may be repeated later. It may have run, for instance behind a gateway that answers 504, unless `notBegun` is
   * `true`.
   */
  | {
      readonly kind: 'transient';
      readonly error: Error;
      readonly retryAfterMs: number | undefined;
      readonly notBegun?: boolean;
    };

/** A transport for requests. It rejects with an Error that a repetition cannot repair, and with the signal's reason. */
export interface RpcClientTransport {
  /** The URL of the server, for traces; `undefined` if it has none. */
  readonly address?: string | undefined;
  /** Whether requests travel over an IPC session, and not over HTTP. */
  readonly isSession?: boolean;
  /** Sends a request and resolves with the server's reply, including errors. */
  exchange(request: RpcRequest): Promise<RpcReply>;
  /** Releases the connections of the transport. `RpcClientModule` calls it when its application closes. */
  close?(): Promise<void>;
}
