import { DeadlineError, rebuildError } from '../call/backend.error.js';
import type { ActivityProps } from '../call/call.activity.js';
import type {
  RpcCallOptions,
  RpcClientEvent,
  RpcClientOptions,
  RpcClientStep,
  RpcRetryPolicy,
  RpcSurroundings,
} from './rpc.client.options.js';
import type { RpcInterfaceDefinition, RpcOperationPolicy } from './rpc.definition.js';
import type { RpcClientTransport, RpcReply, RpcRequest } from './rpc.exchange.js';
import type { IModelRpcProps } from './rpc.token.js';

/** What is called. */
export interface RpcClientTarget {
  readonly definition: Pick<RpcInterfaceDefinition, 'interfaceName' | 'interfaceVersion'>;
  readonly operation: string;
  readonly policy: Pick<RpcOperationPolicy, 'allowResponseCaching' | 'token'>;
}

const defaultRetry: RpcRetryPolicy = { limit: 4, pauseMs: 500, longestPauseMs: 5 * 60 * 1000 };
const PENDING_INTERVAL_MS = 10_000;
/** Whatever a server says, it is not asked in a tight loop, nor forgotten for ever. */
const SHORTEST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 60 * 60 * 1000;
/** Timers that are set for longer fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** One call, from the first request to its result: repeats what is transient, and asks for what is pending. */
export class RpcClientCall {
  readonly #options: RpcClientOptions & RpcCallOptions;
  readonly #surroundings: RpcSurroundings;
  readonly #activityId: string;
  /** When the call has to be done, in milliseconds since the epoch; may be infinite. */
  readonly #deadline: number;
  readonly #expiry = new AbortController();
  readonly #signal: AbortSignal;
  #arguments: readonly unknown[];

  constructor(
    private readonly target: RpcClientTarget,
    args: readonly unknown[],
    private readonly transport: RpcClientTransport,
    options: RpcClientOptions & RpcCallOptions,
    private readonly notify: (event: RpcClientEvent) => void,
  ) {
    this.#options = options;
    this.#arguments = args;
    this.#surroundings = options.context?.() ?? {};
    this.#activityId = options.activityId || this.#surroundings.activityId || crypto.randomUUID();
    const { timeoutMs = Infinity } = options;
    if (!(timeoutMs >= 0)) throw new RangeError(`A call cannot have ${timeoutMs} ms of time.`);
    this.#deadline = Math.min(Date.now() + timeoutMs, this.#surroundings.deadline ?? Infinity);
    const given = [options.signal, this.#surroundings.signal].filter((signal) => signal !== undefined);
    // Listeners of ours on a signal that many calls share would look like a leak to Node.
    this.#signal = given.length > 0 ? AbortSignal.any([...given, this.#expiry.signal]) : this.#expiry.signal;
  }

  /** Resolves with the result; rejects with what the server answered, or why it did not. */
  async run(): Promise<unknown> {
    const timeoutMs = Math.max(0, this.#deadline - Date.now());
    const expire = () => this.#expiry.abort(new DeadlineError(timeoutMs));
    const timer = timeoutMs > LONGEST_TIMER_MS ? undefined : setTimeout(expire, timeoutMs);
    // The timer would come after the request.
    if (timeoutMs === 0) expire();
    try {
      // Whatever is being waited for, suppliers and handlers of the application included.
      const value = await unlessAborted(this.#repeat(), this.#signal);
      this.#tell({ kind: 'response', outcome: 'result' });
      return value;
    } catch (error) {
      this.#tell({ kind: 'response', outcome: 'error', error });
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #repeat(): Promise<unknown> {
    let faults = 0;
    for (let attempt = 1; ; attempt++) {
      this.#signal.throwIfAborted();
      const reply = await this.#exchange(attempt);
      this.#signal.throwIfAborted();
      if (reply.kind === 'result') return reply.value;
      if (reply.kind === 'error') throw reply.error;
      // A server that says when to come back, or anything else, knows that it will be there.
      faults = reply.kind === 'transient' && reply.retryAfterMs === undefined ? faults + 1 : 0;
      if (reply.kind === 'pending') await this.#wait(reply);
      else if (reply.kind === 'transient') await this.#comeBack(reply, faults);
      else await this.#repair(reply.response);
    }
  }

  async #exchange(attempt: number): Promise<RpcReply> {
    const { headers = {}, token } = this.#options;
    const { definition, operation, policy } = this.target;
    const activity = await this.#activity();
    this.#signal.throwIfAborted();
    const request: RpcRequest = {
      definition,
      operation,
      policy,
      arguments: this.#arguments,
      activity,
      token: this.#route() ?? token,
      headers: { ...this.#csrf(), ...headers },
      timeoutMs: this.#deadline === Infinity ? undefined : Math.max(1, this.#deadline - Date.now()),
      signal: this.#signal,
    };
    this.#tell({ kind: 'request', attempt });
    return this.transport.exchange(request);
  }

  #route(): IModelRpcProps | undefined {
    const parameters = this.#arguments;
    const findTokenPropsParameter = () => tokenOf(parameters);
    const { token = findTokenPropsParameter } = this.target.policy;
    return token({ parameters, findTokenPropsParameter });
  }

  async #activity(): Promise<ActivityProps> {
    const { authorization, applicationId, applicationVersion, sessionId } = this.#options;
    const around = { ...this.#surroundings, ...(await this.#surroundings.renew?.(this.#activityId)) };
    return {
      activityId: this.#activityId,
      sessionId: sessionId ?? around.sessionId ?? '',
      applicationId: applicationId ?? around.applicationId ?? '',
      applicationVersion: applicationVersion ?? around.applicationVersion ?? '',
      accessToken:
        typeof authorization === 'function'
          ? await authorization()
          : (authorization ?? around.accessToken ?? ''),
      rpcMethod: this.target.operation,
    };
  }

  #csrf(): Record<string, string> {
    const { headerName = 'X-XSRF-TOKEN', headerValue } = this.#options.csrf ?? {};
    const value = typeof headerValue === 'function' ? headerValue() : headerValue;
    return value ? { [headerName]: value } : {};
  }

  #wait({ message, retryAfterMs }: RpcReply & { kind: 'pending' }): Promise<void> {
    this.#tell({ kind: 'pending', message });
    return this.#pause(retryAfterMs ?? this.#options.pendingIntervalMs ?? PENDING_INTERVAL_MS);
  }

  async #comeBack({ error, retryAfterMs }: RpcReply & { kind: 'transient' }, faults: number): Promise<void> {
    const { limit, pauseMs, longestPauseMs } = { ...defaultRetry, ...this.#options.retry };
    // Not all clients of a server that stumbled come back at the same moment.
    const growing = pauseMs * (1 + (2 ** (faults - 1) - 1) / 2) * (0.5 + Math.random() / 2);
    const pause = retryAfterMs ?? growing;
    if (faults > limit || limit <= 0 || pause > longestPauseMs) throw error;
    this.#tell({ kind: 'retry', pauseMs: pause, reason: error.message });
    await this.#pause(pause);
  }

  async #repair(response: object): Promise<void> {
    const { interfaceName } = this.target.definition;
    const event = { interfaceName, operation: this.target.operation, arguments: this.#arguments, response };
    const verdict = await this.#options.onNotFound?.(event);
    if (!verdict) throw rebuildError({ name: 'NotFound', ...response }, 404);
    if (Array.isArray(verdict)) this.#arguments = verdict;
  }

  async #pause(milliseconds: number): Promise<void> {
    const bounded = Math.min(Math.max(milliseconds, SHORTEST_PAUSE_MS), LONGEST_PAUSE_MS);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const over = new Promise<void>((resolve) => (timer = setTimeout(resolve, bounded)));
    try {
      await unlessAborted(over, this.#signal);
    } finally {
      clearTimeout(timer);
    }
  }

  #tell(step: RpcClientStep): void {
    const { operation, definition } = this.target;
    const about = { activityId: this.#activityId, interfaceName: definition.interfaceName, operation };
    this.notify({ ...about, ...step });
  }
}

/** What comes of a promise, or the signal's reason, whichever is first. Leaves no listener behind. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    void promise.then(resolve, reject).then(() => signal.removeEventListener('abort', abort));
  });
}

/** The first argument that names a model (WIRE 2.1). */
function tokenOf(args: readonly unknown[]): IModelRpcProps | undefined {
  return args.find(
    (argument): argument is IModelRpcProps =>
      typeof argument === 'object' &&
      argument !== null &&
      typeof (argument as IModelRpcProps).iModelId === 'string',
  );
}
