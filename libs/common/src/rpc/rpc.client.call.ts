import { rebuildError, DeadlineError } from '../call/backend.error.js';
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
  readonly policy: Pick<RpcOperationPolicy, 'allowResponseCaching'>;
}

const defaultRetry: RpcRetryPolicy = { limit: 4, pauseMs: 500 };
const PENDING_INTERVAL_MS = 10_000;

/** One call, from the first request to its result: repeats what is transient, and asks for what is pending. */
export class RpcClientCall {
  readonly #options: RpcClientOptions & RpcCallOptions;
  readonly #surroundings: RpcSurroundings;
  readonly #activityId: string;
  readonly #deadline: number | undefined;
  readonly #timeoutMs: number;
  readonly #abort = new AbortController();
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
    this.#activityId = options.activityId ?? (this.#surroundings.activityId || crypto.randomUUID());
    const ends = [options.timeoutMs && Date.now() + options.timeoutMs, this.#surroundings.deadline];
    const nearest = Math.min(...ends.map((end) => end || Infinity));
    this.#deadline = nearest === Infinity ? undefined : nearest;
    this.#timeoutMs = this.#deadline === undefined ? 0 : Math.max(0, this.#deadline - Date.now());
  }

  /** Resolves with the result; rejects with what the server answered, or why it did not. */
  async run(): Promise<unknown> {
    const signals = [this.#options.signal, this.#surroundings.signal];
    const stops = signals.map((signal) => this.#follow(signal));
    const timer =
      this.#deadline === undefined
        ? undefined
        : setTimeout(() => this.#abort.abort(new DeadlineError(this.#timeoutMs)), this.#timeoutMs);
    try {
      const value = await this.#repeat();
      this.#tell({ kind: 'response', outcome: 'result' });
      return value;
    } catch (error) {
      this.#tell({ kind: 'response', outcome: 'error', error });
      throw error;
    } finally {
      clearTimeout(timer);
      for (const stop of stops) stop();
    }
  }

  async #repeat(): Promise<unknown> {
    let faults = 0;
    for (let attempt = 1; ; attempt++) {
      const reply = await this.#exchange(attempt);
      switch (reply.kind) {
        case 'result':
          return reply.value;
        case 'pending':
          this.#tell({ kind: 'pending', message: reply.message });
          await this.#pause(reply.retryAfterMs ?? this.#options.pendingIntervalMs ?? PENDING_INTERVAL_MS);
          break;
        case 'transient':
          // A server that says when to come back knows that it will be there.
          faults = reply.retryAfterMs === undefined ? faults + 1 : 0;
          await this.#comeBack(reply, faults);
          break;
        case 'notFound':
          await this.#repair(reply.response);
          break;
        default:
          throw reply.error;
      }
    }
  }

  async #exchange(attempt: number): Promise<RpcReply> {
    this.#abort.signal.throwIfAborted();
    const request = await this.#request();
    this.#tell({ kind: 'request', attempt });
    const answer = this.transport.exchange(request);
    // A transport may be slow to notice; the caller is not to wait for it.
    answer.catch(() => undefined);
    return Promise.race([answer, this.#aborted()]);
  }

  async #request(): Promise<RpcRequest> {
    const { headers = {}, token } = this.#options;
    const { definition, operation, policy } = this.target;
    const activity = await this.#activity();
    const csrf = this.#csrf();
    return {
      definition,
      operation,
      policy,
      arguments: this.#arguments,
      activity,
      token: tokenOf(this.#arguments) ?? token,
      headers: { ...csrf, ...headers },
      timeoutMs: this.#deadline === undefined ? undefined : Math.max(1, this.#deadline - Date.now()),
      signal: this.#abort.signal,
    };
  }

  async #activity(): Promise<ActivityProps> {
    const { authorization, applicationId, applicationVersion, sessionId } = this.#options;
    const around = this.#surroundings;
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
    const { csrf } = this.#options;
    const value = typeof csrf?.headerValue === 'function' ? csrf.headerValue() : csrf?.headerValue;
    return value ? { [csrf!.headerName ?? 'X-XSRF-TOKEN']: value } : {};
  }

  async #comeBack({ error, retryAfterMs }: RpcReply & { kind: 'transient' }, faults: number): Promise<void> {
    const { limit, pauseMs } = { ...defaultRetry, ...this.#options.retry };
    if (faults > limit || limit <= 0) throw error;
    // Not all clients of a server that stumbled come back at the same moment.
    const growing = pauseMs * (1 + (2 ** (faults - 1) - 1) / 2) * (0.5 + Math.random() / 2);
    const pause = retryAfterMs ?? growing;
    this.#tell({ kind: 'retry', pauseMs: pause, reason: error.message });
    await this.#pause(pause);
  }

  async #repair(response: object): Promise<void> {
    const { interfaceName } = this.target.definition;
    const event = { interfaceName, operation: this.target.operation, arguments: this.#arguments, response };
    const verdict = await this.#options.onNotFound?.(event);
    if (!verdict) throw rebuildError({ ...response, name: 'NotFound' });
    if (Array.isArray(verdict)) this.#arguments = verdict;
  }

  async #pause(milliseconds: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const over = new Promise<void>((resolve) => (timer = setTimeout(resolve, milliseconds)));
    try {
      await Promise.race([over, this.#aborted()]);
    } finally {
      clearTimeout(timer);
    }
  }

  #aborted(): Promise<never> {
    const { signal } = this.#abort;
    return new Promise((_resolve, reject) => {
      const abort = () => reject(signal.reason as Error);
      if (signal.aborted) abort();
      else signal.addEventListener('abort', abort, { once: true });
    });
  }

  /** @returns stops following */
  #follow(signal: AbortSignal | undefined): () => void {
    const abort = () => this.#abort.abort(signal!.reason);
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
    return () => signal?.removeEventListener('abort', abort);
  }

  #tell(step: RpcClientStep): void {
    const { operation, definition } = this.target;
    const about = { activityId: this.#activityId, interfaceName: definition.interfaceName, operation };
    this.notify({ ...about, ...step });
  }
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
