import { mergeOptions } from '../../base/merge.options.js';
import type { ActivityProps } from '../../call/activity.js';
import type { RpcInterfaceDefinition } from '../definition/definition.js';
import type { IModelRpcProps } from '../definition/token.js';

/** Which calls that met a transient fault are repeated, and how often. */
export interface RpcRetryPolicy {
  /**
   * Repetitions in a row, without a word of the server's on when to come back, after which the call fails with the
   * server's last error. Default 4; 0 repeats nothing, whatever the server says.
   */
  readonly limit: number;
  /**
   * The first pause, in milliseconds; each further one is longer (×1, ×1.5, ×2.5, ×4.5, …), and all are shortened by
   * chance, by half at the most. A server's word can make a pause longer, not shorter. Default 500.
   */
  readonly pauseMs: number;
  /**
   * How long a server may answer so in a row, or want to be left alone, in milliseconds; then the call fails with the
   * server's last error. Default 5 minutes.
   */
  readonly longestPauseMs: number;
  /**
   * The longest `Retry-After` that is waited for, in milliseconds. A call that the server wants to come back later than that
   * rejects at once, with the server's error and its `retryAfterMs`. Default 10,000.
   */
  readonly maxRetryAfterMs: number;
  /**
   * Repeats every operation after 408, 429, 502, 503 and 504, as iTwin.js does, also where the server may have run the call.
   * Default `false`: only operations that declare an `idempotency`, and calls that the server surely did not begin.
   */
  readonly always: boolean;
}

/** Options of one call, or of all calls of a client made by `with`. */
export interface RpcCallOptions {
  /** Aborts the call: it rejects with the signal's reason, and the server learns that nobody waits any more. */
  readonly signal?: AbortSignal;
  /**
   * How long the call may take with all its repetitions, in milliseconds; then it rejects with a
   * {@link DeadlineError}. It travels with the request. Default: no end but that of the surrounding activity.
   */
  readonly timeoutMs?: number;
  /** Further request headers; those of the client and of its `with` add up. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Names the activity; default: that of the surrounding context, else a new one. */
  readonly activityId?: string;
  /** Routes the request where no argument does. */
  readonly token?: IModelRpcProps;
  /** How transient faults are met; members that are left out stay as they were. */
  readonly retry?: Partial<RpcRetryPolicy>;
}

/** A step of a call. */
export type RpcClientStep =
  | { readonly kind: 'request'; readonly attempt: number }
  | { readonly kind: 'response'; readonly outcome: 'result' | 'error'; readonly error?: unknown }
  | { readonly kind: 'pending'; readonly message: string }
  | { readonly kind: 'retry'; readonly pauseMs: number; readonly reason: string };

/** Told of every step of a call; for progress, logs and time lines. The last one is a `response`. */
export type RpcClientEvent = RpcClientStep & {
  readonly activityId: string;
  readonly interfaceName: string;
  readonly operation: string;
};

/** Reports that the server lacks something that a request refers to. */
export interface RpcNotFoundEvent {
  /** The name of the interface. */
  readonly interfaceName: string;
  /** The operation that was called. */
  readonly operation: string;
  /** The arguments of the last attempt; a handler can return others. */
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

/** Options of a client, whatever its transport is. */
export interface RpcClientBaseOptions extends Omit<RpcCallOptions, 'signal' | 'activityId'> {
  /** The interfaces that {@link RpcClient.ready} asks the server for. */
  readonly interfaces?: readonly RpcInterfaceDefinition[];
  /** The value of `Authorization`, asked before every request, repetitions included; who gives it caches it. */
  readonly authorization?: string | (() => string | Promise<string>);
  /** The calling application, for the logs of servers (`X-Application-Id`). Default: from the surrounding activity. */
  readonly applicationId?: string;
  /** The version of the application (`X-Application-Version`). Default: from the surrounding activity. */
  readonly applicationVersion?: string;
  /** The session id of the application (`X-Session-Id`). Default: from the surrounding activity. */
  readonly sessionId?: string;
  /** The header that shows a request to come from the application's own page. */
  readonly csrf?: { readonly headerName?: string; readonly headerValue: string | (() => string | undefined) };
  /**
   * How long to wait before a pending call is asked for again, in milliseconds, where the server does not say. A call
   * that is pending for long is asked for no sooner than after a fiftieth of that time. Default 10,000.
   */
  readonly pendingIntervalMs?: number;
  /** Asked when the server lacks what a request refers to. Default: the call fails. */
  readonly onNotFound?: RpcNotFoundHandler;
  /** Returns what a call rejects with in the place of an error, for instance `itwinErrors(…)`. Default: the error itself. */
  readonly mapError?: (error: unknown) => unknown;
  /** The activity that calls belong to, with what is left of its deadline: what a backend is serving. */
  readonly context?: () => RpcCallContext | undefined;
}

/** The activity around a call. Its `accessToken` is sent where the client has no `authorization` of its own. */
export interface RpcCallContext extends Partial<ActivityProps> {
  /** Aborted when the surrounding activity ends, and its calls with it. */
  readonly signal?: AbortSignal;
  /** Asked before every request, repetitions included: what is so by now. The call's activity id stays. */
  readonly renew?: (activityId: string) => Promise<Partial<ActivityProps>>;
}

/** Options of a client with further ones over them: headers and members of `retry` add up. */
export function mergeCallOptions<T extends RpcCallOptions>(
  options: T,
  more: Partial<T> & RpcCallOptions,
): T & RpcCallOptions {
  const headers = mergeOptions(options.headers, more.headers);
  const retry = mergeOptions(options.retry, more.retry);
  return mergeOptions<T & RpcCallOptions>(options, more, { headers, retry } as Partial<T>);
}
