import { mergeOptions } from '../../base/merge.options.js';
import type { ActivityProps } from '../../call/activity.js';
import type { RpcInterfaceDefinition } from '../definition/definition.js';
import type { IModelRpcProps } from '../definition/token.js';

/** Which calls are repeated after a transient fault, and how often. */
export interface RpcRetryPolicy {
  /**
   * The number of consecutive repetitions without a `Retry-After` of the server. After them the call fails with the
   * server's last error. Default 4; 0 disables all repetitions.
   */
  readonly limit: number;
  /**
   * The first pause, in milliseconds. Further pauses are longer (×1, ×1.5, ×2.5, ×4.5, …), and each is shortened by a random
   * part of up to a half. A `Retry-After` can make a pause longer, not shorter. Default 500.
   */
  readonly pauseMs: number;
  /**
   * The longest series of faults and `Retry-After` pauses, in milliseconds. After it the call fails with the server's last
   * error. Default 5 minutes.
   */
  readonly longestPauseMs: number;
  /**
   * The longest accepted `Retry-After`, in milliseconds. If the server requests a longer pause, the call rejects at once,
   * with the server's error and its `retryAfterMs`. Default 10,000.
   */
  readonly maxRetryAfterMs: number;
  /**
   * Repeats every operation after 408, 429, 502, 503 and 504, as iTwin.js does, also where the server may have run the call.
   * Default `false`: only operations that declare an `idempotency`, and calls that the server certainly did not begin.
   */
  readonly always: boolean;
}

/** Options of one call, or of all calls of a client made by `with`. */
export interface RpcCallOptions {
  /** Aborts the call: it rejects with the signal's reason, and the server is notified. */
  readonly signal?: AbortSignal;
  /**
   * The longest duration of the call with all its repetitions, in milliseconds. After it the call rejects with a
   * {@link DeadlineError}. It travels with the request. Default: the deadline of the surrounding activity, if any.
   */
  readonly timeoutMs?: number;
  /** Further request headers, in addition to the headers of the client and of its `with`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The id of the activity. Default: the id of the surrounding context, or a new one. */
  readonly activityId?: string;
  /** Routes the request if no argument does. */
  readonly token?: IModelRpcProps;
  /** The rules for repetitions. Missing members do not change. */
  readonly retry?: Partial<RpcRetryPolicy>;
  /** Receives what the operation reports by `activity.report`. A server of iTwin.js reports nothing. */
  readonly onProgress?: (value: unknown) => void;
}

/** A step of a call. */
export type RpcClientStep =
  | { readonly kind: 'request'; readonly attempt: number }
  | { readonly kind: 'response'; readonly outcome: 'result' | 'error'; readonly error?: unknown }
  | { readonly kind: 'pending'; readonly message: string }
  | { readonly kind: 'retry'; readonly pauseMs: number; readonly reason: string };

/** Receives every step of a call, for progress, logs and time lines. The last step is a `response`. */
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
 * Repairs a call after a "not found" answer.
 *
 * @returns `true` to repeat the request, or a list of arguments to repeat it with; otherwise the call fails
 */
export type RpcNotFoundHandler = (
  event: RpcNotFoundEvent,
) => boolean | unknown[] | undefined | Promise<boolean | unknown[] | undefined>;

/** Options of a client, for every transport. */
export interface RpcClientBaseOptions extends Omit<RpcCallOptions, 'signal' | 'activityId' | 'onProgress'> {
  /** The interfaces that {@link RpcClient.ready} checks. */
  readonly interfaces?: readonly RpcInterfaceDefinition[];
  /** Returns the value of `Authorization`. It is called before every request, including repetitions, so cache the value. */
  readonly authorization?: string | (() => string | Promise<string>);
  /** The calling application, for the logs of servers (`X-Application-Id`). Default: from the surrounding activity. */
  readonly applicationId?: string;
  /** The version of the application (`X-Application-Version`). Default: from the surrounding activity. */
  readonly applicationVersion?: string;
  /** The session id of the application (`X-Session-Id`). Default: from the surrounding activity. */
  readonly sessionId?: string;
  /** The header that proves that a request comes from the application's own page. */
  readonly csrf?: { readonly headerName?: string; readonly headerValue: string | (() => string | undefined) };
  /**
   * The pause before a pending call is repeated, in milliseconds, unless the server names one. For a call that has been
   * pending for long, the pause is at least a fiftieth of that time. Default 10,000.
   */
  readonly pendingIntervalMs?: number;
  /** Called after a "not found" answer. Default: the call fails. */
  readonly onNotFound?: RpcNotFoundHandler;
  /** Returns the error that a call rejects with instead, for instance `itwinErrors(…)`. Default: the error itself. */
  readonly mapError?: (error: unknown) => unknown;
  /** Returns the activity that calls belong to, with its remaining time. On a backend it is the call being served. */
  readonly context?: () => RpcCallContext | undefined;
}

/** The activity around a call. Its `accessToken` is sent if the client has no `authorization`. */
export interface RpcCallContext extends Partial<ActivityProps> {
  /** Aborted when the surrounding activity ends, and its calls with it. */
  readonly signal?: AbortSignal;
  /** Called before every request, including repetitions, for current values. The activity id of the call stays. */
  readonly renew?: (activityId: string) => Promise<Partial<ActivityProps>>;
}

/** Merges options. Headers and the members of `retry` are merged one by one. */
export function mergeCallOptions<T extends RpcCallOptions>(
  options: T,
  more: Partial<T> & RpcCallOptions,
): T & RpcCallOptions {
  const headers = mergeOptions(options.headers, more.headers);
  const retry = mergeOptions(options.retry, more.retry);
  return mergeOptions<T & RpcCallOptions>(options, more, { headers, retry } as Partial<T>);
}
