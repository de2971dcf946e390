import type { Activity } from '../../call/activity.js';
import type { IpcSession } from '../../ipc/channel/session.js';
import type { StreamItems } from '../../stream/stream.js';
import type { RpcInterfaceDefinition, RpcOperationPolicy } from '../definition/definition.js';

/** An operation that a server answers. */
export interface RpcOperationTarget {
  /** Declares the operation. */
  readonly definition: RpcInterfaceDefinition;
  /** Its name in the definition. */
  readonly operation: string;
  /** `Interface/operation`: its name in traces and metrics. */
  readonly method: string;
  /** The policy of the definition, overridden by the policy of the implementation. */
  readonly policy: RpcOperationPolicy;
  /** Answers a call. Throws or rejects with the error of the implementation. */
  readonly handler: RpcHandler;
}

/** Answers calls of one operation. It may return the result without a promise. */
export type RpcHandler = (call: RpcCall) => unknown;

/** How a call arrived. */
export type RpcTransport = HttpRpcTransport | IpcRpcTransport | MessageRpcTransport;

/** A call over HTTP. */
export interface HttpRpcTransport {
  /** Distinguishes a call over HTTP from a call over IPC. */
  readonly kind: 'http';
  /** The request target with its query, as sent. */
  readonly path: string;
  /** The HTTP method, in capitals. */
  readonly method: string;
  /** The client's protocol version; 0 when it names none. */
  readonly protocolVersion: number;
  /** The request of the platform; `undefined` if the platform set none. */
  readonly request?: unknown;
  /** The response of the platform; `undefined` if the platform set none. */
  readonly response?: unknown;
  /** Set if a guard refused the call. Nothing ran, and a transient answer reports that. */
  isRefused?: boolean;
  /** The headers of every answer to this request, as alternating names and values. */
  commonHeaders(): string[];
}

/** A call over an IPC session. */
export interface IpcRpcTransport {
  /** Distinguishes a call over IPC from a call over HTTP. */
  readonly kind: 'ipc';
  /** The session of the calling frontend. */
  readonly session: IpcSession;
  /** The client's protocol version; 0 when it names none. */
  readonly protocolVersion: number;
}

/** A call that arrived as a message of a broker, for instance NATS. */
export interface MessageRpcTransport {
  /** Distinguishes a call from a broker from a call over HTTP or over IPC. */
  readonly kind: 'message';
  /** The target that the same request would have over HTTP, with its query. */
  readonly path: string;
  /** The method of the same request over HTTP, in capitals. */
  readonly method: string;
  /** The headers of the message, by lower-case name. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The client's protocol version; 0 when it names none. */
  readonly protocolVersion: number;
  /** Set if a guard refused the call. Nothing ran, and a transient answer reports that. */
  isRefused?: boolean;
}

/** One call of an operation, from the moment its arguments are known. */
export interface RpcCall {
  /** The called operation. */
  readonly target: RpcOperationTarget;
  /** The decoded arguments. A token among them is completed by the path. */
  readonly arguments: unknown[];
  /** The identity of the caller, its credentials, the deadline, and the end of the call. */
  readonly activity: Activity;
  /** How the call arrived. */
  readonly transport: RpcTransport;
}

/** The outcome of a call. `undefined` can be thrown and `null` returned, so check `kind`. */
export type RpcOutcome =
  | { readonly kind: 'result'; readonly value: unknown }
  /** The result is a stream. The activity of the call goes on until it ends. */
  | { readonly kind: 'stream'; readonly items: StreamItems }
  | { readonly kind: 'error'; readonly error: unknown }
  | { readonly kind: 'pending'; readonly message: string }
  | { readonly kind: 'notFound'; readonly response: object }
  | { readonly kind: 'noContent'; readonly error: unknown }
  /** The platform's own code has written the answer already (an exception filter did). */
  | { readonly kind: 'answered' };

/** An outcome with which the call is over. */
export type SettledOutcome = Exclude<RpcOutcome, { kind: 'stream' }>;

/** Returned by a handler whose framework has answered by itself. */
export const ALREADY_ANSWERED = Symbol('answered');
