import type { ActivityProps } from '../call/call.activity.js';
import type { RpcInterfaceDefinition } from './rpc.definition.js';
import type { RpcClientTransport } from './rpc.exchange.js';
import type { IModelRpcProps } from './rpc.token.js';

/** How often a call that met a transient fault is repeated. */
export interface RpcRetryPolicy {
  /** Faults in a row, without a word of the server's on when to come back, after which the call fails. Default 4. */
  readonly limit: number;
  /** The first pause, in milliseconds; each further one is longer, and all are shortened by chance. Default 500. */
  readonly pauseMs: number;
}

/** Options of one call, or of all calls of a client made by `with`. */
export interface RpcCallOptions {
  /** Aborts the call: it rejects with the signal's reason, and the server learns that nobody waits any more. */
  readonly signal?: AbortSignal;
  /** How long the call may take with all its repetitions, in milliseconds. It travels with the request. */
  readonly timeoutMs?: number;
  /** Further request headers. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Names the activity; default: that of the surrounding context, else a new one. */
  readonly activityId?: string;
  /** Routes the request where no argument does. */
  readonly token?: IModelRpcProps;
  readonly retry?: Partial<RpcRetryPolicy>;
}

/** A step of a call. */
export type RpcClientStep =
  | { readonly kind: 'request'; readonly attempt: number }
  | { readonly kind: 'response'; readonly outcome: 'result' | 'error'; readonly error?: unknown }
  | { readonly kind: 'pending'; readonly message: string }
  | { readonly kind: 'retry'; readonly pauseMs: number; readonly reason: string };

/** Told of every step of a call; for progress, logs and time lines. */
export type RpcClientEvent = RpcClientStep & {
  readonly activityId: string;
  readonly interfaceName: string;
  readonly operation: string;
};

/** What is missing at the server, and what was asked with. */
export interface RpcNotFoundEvent {
  readonly interfaceName: string;
  readonly operation: string;
  readonly arguments: readonly unknown[];
  /** The server's `RpcNotFoundResponse`, with the members it was given. */
  readonly response: object;
}

/**
 * Repairs what a server lacks.
 *
 * @returns `true` to send the request again, other arguments to send it with these; nothing: the call fails
 */
export type RpcNotFoundHandler = (
  event: RpcNotFoundEvent,
) => boolean | unknown[] | undefined | Promise<boolean | unknown[] | undefined>;

/** Options of a client. */
export interface RpcClientOptions extends Omit<RpcCallOptions, 'signal' | 'activityId'> {
  /** Where the server is, for instance `https://rpc.example.com/api`. Default: the origin of the page. */
  readonly uriPrefix?: string;
  /** Part of every path, for gateways and logs. */
  readonly info?: { readonly title: string; readonly version: string };
  /** The interfaces that {@link RpcClient.ready} asks the server for. */
  readonly interfaces?: readonly RpcInterfaceDefinition[];
  /** How calls travel. Default: HTTP by `fetch`. */
  readonly transport?: RpcClientTransport;
  /** The value of `Authorization`, asked before every request. */
  readonly authorization?: string | (() => string | Promise<string>);
  readonly applicationId?: string;
  readonly applicationVersion?: string;
  readonly sessionId?: string;
  /** The header that shows a request to come from the application's own page. */
  readonly csrf?: { readonly headerName?: string; readonly headerValue: string | (() => string | undefined) };
  /** How long to wait before a pending call is asked for again, in milliseconds. Default 10,000. */
  readonly pendingIntervalMs?: number;
  readonly onNotFound?: RpcNotFoundHandler;
  /** The activity that calls belong to, with what is left of its deadline: what a backend is serving. */
  readonly context?: () => RpcSurroundings | undefined;
  /**
   * Whether requests bear headers of ours, which let the server send every status and know the deadline. Default: yes,
   * but for pages that call another origin, whose server may not allow them.
   */
  readonly ownHeaders?: boolean;
}

/** The activity around a call. */
export interface RpcSurroundings extends Partial<ActivityProps> {
  /** When it has to be done, in milliseconds since the epoch. */
  readonly deadline?: number;
  readonly signal?: AbortSignal;
}
