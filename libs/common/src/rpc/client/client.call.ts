import { DeadlineError, rebuildError } from '../../error/backend.error.js';
import type { ActivityProps } from '../../call/activity.js';
import type { CallWatch } from '../../base/observer.js';
import { newId } from '../../base/random.id.js';
import { onAbort, throwIfAborted } from '../../base/abort.js';
import { inOperation } from '../../base/numbered.error.js';
import { mergeOptions } from '../../base/merge.options.js';
import { later } from '../../base/timer.js';
import { StreamResult } from '../../stream/stream.js';
import type { StreamItems } from '../../stream/stream.js';
import { reportStep, watchCall } from './observed.call.js';
import { defaultRetry, mayRepeat } from './retry.policy.js';
import type {
  RpcCallOptions,
  RpcClientBaseOptions,
  RpcClientEvent,
  RpcClientStep,
  RpcCallContext,
} from './client.options.js';
import type { RpcClientTarget, RpcClientTransport, RpcReply, RpcRequest } from './transport.js';
import { tokenOf } from '../definition/token.js';

const PENDING_INTERVAL_MS = 10_000;
/** The poll interval as a fraction of the time already waited, so that long waits poll rarely. */
const PENDING_SHARE = 1 / 50;
/** The bounds of every pause, whatever the server requests. */
const MIN_PAUSE_MS = 10;
const MAX_PAUSE_MS = 60 * 60 * 1000;

/** One call, from the first request to its result. It repeats the request after transient faults and pending answers. */
export class RpcClientCall {
  readonly #target: RpcClientTarget;
  readonly #transport: RpcClientTransport;
  readonly #notify: (event: RpcClientEvent) => void;
  readonly #options: RpcClientBaseOptions & RpcCallOptions;
  readonly #callContext: RpcCallContext;
  readonly #activityId: string;
  /** The deadline, in milliseconds since the epoch; may be infinite. */
  readonly #deadline: number;
  /** Aborted if the call ends without an answer, for any reason. */
  readonly #end = new AbortController();
  /** The reason, which older platforms do not keep in the signal. */
  #reason: unknown;
  #pause: ReturnType<typeof setTimeout> | undefined;
  #arguments: readonly unknown[];
  readonly #watch: CallWatch | undefined;
  /** Items of a stream that its reader has. */
  #received = 0;

  constructor(
    target: RpcClientTarget,
    args: readonly unknown[],
    transport: RpcClientTransport,
    options: RpcClientBaseOptions & RpcCallOptions,
    notify: (event: RpcClientEvent) => void,
  ) {
    this.#target = target;
    this.#transport = transport;
    this.#notify = notify;
    this.#options = options;
    this.#arguments = args;
    this.#callContext = options.context?.() ?? {};
    this.#activityId = options.activityId || this.#callContext.activityId || newId();
    const { timeoutMs = Infinity } = options;
    if (!(timeoutMs >= 0)) throw new RangeError(`A call cannot have ${timeoutMs} ms of time.`);
    this.#deadline = Math.min(Date.now() + timeoutMs, this.#callContext.deadline ?? Infinity);
    this.#watch = watchCall(target, transport, this.#activityId);
  }

  /** Resolves with the result, a {@link StreamResult} if it is a stream. Rejects with the server's error, or with the reason for the missing answer. */
  async run(): Promise<unknown> {
    const timeoutMs = Math.max(0, this.#deadline - Date.now());
    const expire = () => this.#abort(new DeadlineError(timeoutMs));
    const timer = later(timeoutMs, expire);
    const leave = [this.#options.signal, this.#callContext.signal].map((each) => onAbort(each, this.#abort));
    // A call without time needs no timer.
    if (timeoutMs === 0) expire();
    const { signal } = this.#end;
    const finish = () => {
      clearTimeout(timer);
      clearTimeout(this.#pause);
      for (const each of leave) each();
    };
    let isStreaming = false;
    try {
      const value = await new Promise((resolve, reject) => {
        const over = () => reject(this.#reason);
        if (signal.aborted) return over();
        // Also ends waiting for suppliers and handlers of the application.
        signal.addEventListener('abort', over);
        const begin = () => this.#untilAnswered().then(resolve, reject);
        void (this.#watch ? this.#watch.run(begin) : begin());
      });
      if (value instanceof StreamResult) {
        const items = await this.#watched(value.items, finish);
        isStreaming = true;
        return new StreamResult(items);
      }
      this.#emit({ kind: 'response', outcome: 'result' });
      return value;
    } catch (thrown) {
      throw this.#failed(thrown);
    } finally {
      if (!isStreaming) finish();
    }
  }

  readonly #abort = (reason: unknown): void => {
    if (this.#end.signal.aborted) return;
    this.#reason = reason;
    this.#end.abort(reason);
  };

  /** The error that the caller gets. */
  #failed(thrown: unknown): unknown {
    const { mapError } = this.#options;
    const error = mapError ? mapError(thrown) : thrown;
    this.#emit({ kind: 'response', outcome: 'error', error });
    return error;
  }

  async #watched(items: StreamItems, finish: () => void): Promise<StreamItems> {
    const { watchedItems } = await import('./watched.items.js');
    return watchedItems(items, {
      signal: this.#end.signal,
      isResumable: this.#target.policy.resumable,
      again: (error, faults) => this.#again(error, faults),
      received: (value) => {
        this.#received++;
        this.#watch?.step({ kind: 'item', value });
      },
      over: () => {
        finish();
        this.#emit({ kind: 'response', outcome: 'result' });
      },
      abort: (reason) => {
        this.#watch?.end({ kind: 'left' });
        this.#abort(reason);
      },
      failed: (thrown) => {
        finish();
        return this.#failed(this.#end.signal.aborted ? this.#reason : thrown);
      },
    });
  }

  /** Repeats the request of a stream whose connection has broken, after a pause. */
  async #again(error: Error, faults: number): Promise<unknown> {
    await this.#pauseBeforeRetry({ kind: 'transient', error, retryAfterMs: undefined }, faults, 0);
    return this.#untilAnswered();
  }

  async #untilAnswered(): Promise<unknown> {
    let kind: RpcReply['kind'] | undefined;
    let since = 0;
    let faults = 0;
    for (let attempt = 1; ; attempt++) {
      const reply = await this.#exchange(attempt);
      throwIfAborted(this.#end.signal);
      if (reply.kind === 'result') return reply.value;
      if (reply.kind === 'stream') return new StreamResult(reply.items);
      if (reply.kind === 'error') throw reply.error;
      // A pending answer ends a series of faults.
      if (kind !== reply.kind) [kind, since, faults] = [reply.kind, performance.now(), 0];
      const lasted = performance.now() - since;
      if (reply.kind === 'pending') await this.#wait(reply, lasted);
      else if (reply.kind === 'notFound') await this.#repair(reply.response);
      else {
        const hasRetryAfter = reply.retryAfterMs !== undefined;
        // A server that sends `Retry-After` expects to be available then.
        if (hasRetryAfter) faults = 0;
        await this.#pauseBeforeRetry(reply, faults, lasted);
        if (!hasRetryAfter) faults++;
      }
    }
  }

  async #exchange(attempt: number): Promise<RpcReply> {
    const { headers = {}, token } = this.#options;
    const { definition, operation, policy } = this.#target;
    const activity = await this.#activity();
    const parameters = this.#arguments;
    const findTokenPropsParameter = () => tokenOf(parameters);
    const { token: route = findTokenPropsParameter } = policy;
    throwIfAborted(this.#end.signal);
    const request: RpcRequest = {
      definition,
      operation,
      policy,
      arguments: parameters,
      activity,
      token: route({ parameters, findTokenPropsParameter }) ?? token,
      headers: { ...this.#csrf(), ...headers },
      timeoutMs: this.#deadline === Infinity ? undefined : Math.max(1, this.#deadline - Date.now()),
      signal: this.#end.signal,
      onProgress: this.#options.onProgress,
      ...(this.#received > 0 && { lastEventId: this.#received }),
    };
    this.#emit({ kind: 'request', attempt });
    try {
      return await this.#transport.exchange(request);
    } catch (error) {
      throw inOperation(error, `${definition.interfaceName}.${operation}`);
    }
  }

  async #activity(): Promise<ActivityProps> {
    const { authorization, applicationId, applicationVersion, sessionId } = this.#options;
    const around = { ...this.#callContext, ...(await this.#callContext.renew?.(this.#activityId)) };
    return {
      activityId: this.#activityId,
      sessionId: sessionId ?? around.sessionId ?? '',
      applicationId: applicationId ?? around.applicationId ?? '',
      applicationVersion: applicationVersion ?? around.applicationVersion ?? '',
      accessToken:
        typeof authorization === 'function'
          ? await authorization()
          : (authorization ?? around.accessToken ?? ''),
      rpcMethod: this.#target.operation,
      trace: this.#watch?.trace,
    };
  }

  #csrf(): Record<string, string> {
    const { headerName = 'X-XSRF-TOKEN', headerValue } = this.#options.csrf ?? {};
    const value = typeof headerValue === 'function' ? headerValue() : headerValue;
    return value ? { [headerName]: value } : {};
  }

  #wait({ message, retryAfterMs }: RpcReply & { kind: 'pending' }, lasted: number): Promise<void> {
    this.#emit({ kind: 'pending', message });
    const pause = retryAfterMs ?? this.#options.pendingIntervalMs ?? PENDING_INTERVAL_MS;
    return this.#sleep(Math.max(pause, lasted * PENDING_SHARE));
  }

  /**
   * @param faults the number of consecutive faults before this one, without a `Retry-After`
   * @param lasted the time since the first of them, in milliseconds
   */
  #pauseBeforeRetry(reply: RpcReply & { kind: 'transient' }, faults: number, lasted: number): Promise<void> {
    const { error, retryAfterMs = 0 } = reply;
    const retry = mergeOptions(defaultRetry, this.#options.retry);
    // Random, so that the clients of a failed server do not all return at the same moment.
    const chance = Math.random() / 2;
    const growing = retry.pauseMs * (0.5 + 2 ** (faults - 1)) * (0.5 + chance);
    const pause = Math.max(retryAfterMs * (1 + chance), growing);
    if (!mayRepeat(reply, this.#target, this.#arguments, retry.always)) throw error;
    if (faults >= retry.limit || retryAfterMs > retry.maxRetryAfterMs) throw error;
    if (lasted + pause > retry.longestPauseMs) throw error;
    this.#emit({ kind: 'retry', pauseMs: pause, reason: error.message });
    return this.#sleep(pause);
  }

  async #repair(response: object): Promise<void> {
    const { interfaceName } = this.#target.definition;
    const event = { interfaceName, operation: this.#target.operation, arguments: this.#arguments, response };
    const verdict = await this.#options.onNotFound?.(event);
    if (!verdict) throw rebuildError({ name: 'NotFound', ...response }, 404);
    if (Array.isArray(verdict)) this.#arguments = verdict;
  }

  /** Never settles if the call ends in the meantime. */
  #sleep(milliseconds: number): Promise<void> {
    const bounded = Math.min(Math.max(milliseconds, MIN_PAUSE_MS), MAX_PAUSE_MS);
    return new Promise((resolve) => (this.#pause = setTimeout(resolve, bounded)));
  }

  #emit(step: RpcClientStep): void {
    if (this.#watch) reportStep(this.#watch, step);
    const { operation, definition } = this.#target;
    const about = { activityId: this.#activityId, interfaceName: definition.interfaceName, operation };
    this.#notify({ ...about, ...step });
  }
}
