import { ServerError } from '../../error/backend.error.js';
import { StreamResult } from '../../stream/stream.js';
import type { StreamItems, StreamSources } from '../../stream/stream.js';
import { lazyStream } from '../../stream/lazy.stream.js';
import { generalError, NumberedError } from '../../base/numbered.error.js';
import { notifyAll } from '../../base/settle.js';
import { bodiesOf, bodyRunner } from './definition.bodies.js';
import { RpcClientCall } from './client.call.js';
import { mergeCallOptions } from './client.options.js';
import type { RpcCallOptions, RpcClientBaseOptions, RpcClientEvent } from './client.options.js';
import { operationKey, operationPolicy, operationsOf } from '../definition/definition.js';
import type { RpcInterfaceDefinition, RpcOperationName } from '../definition/definition.js';
import { CONTROL_VERSION } from '../definition/endpoint.js';
import type { RpcEndpoint } from '../definition/endpoint.js';
import type { RpcClientTarget, RpcClientTransport } from './transport.js';
import { isVersionCompatible } from '../definition/version.js';

/** The operations of a definition with a parameter that is a stream. */
type StreamTaking<T> = {
  [K in RpcOperationName<T>]: T[K] extends (...args: infer Args) => unknown
    ? StreamSources<Args> extends Args
      ? never
      : K
    : never;
}[RpcOperationName<T>];

/** The operations of a definition, called like local methods. */
export type RpcProxy<T> = Pick<T, Exclude<RpcOperationName<T>, StreamTaking<T>>> & {
  /** The operations that take a stream: any source of one can be passed. */
  readonly [K in StreamTaking<T>]: T[K] extends (...args: infer Args) => infer Result
    ? (...args: StreamSources<Args>) => Result
    : never;
} & {
  /** The same client with other options: `client.with({ timeoutMs: 2000 }).countRobots(token)`. */
  with(options: RpcCallOptions): RpcProxy<T>;
};

/** A client of one server. It holds no connection and shares nothing with other clients. */
export class RpcClient {
  readonly #listeners = new Set<(event: RpcClientEvent) => void>();
  readonly #proxies = new WeakMap<RpcInterfaceDefinition, object>();

  constructor(
    /** The options of the client, as given. */
    readonly options: RpcClientBaseOptions,
    /** Carries the requests of its calls. */
    private readonly transport: RpcClientTransport,
  ) {}

  /**
   * Makes the client of an interface: an object with exactly its operations. Bodies in the definition run here, and call
   * `this.forward(arguments)` to send the call.
   *
   * @throws Error if the definition cannot be called; the message names the method whose body cannot run
   */
  client<T extends object>(definition: RpcInterfaceDefinition<T>): RpcProxy<T> {
    let proxy = this.#proxies.get(definition);
    if (!proxy) {
      const bodies = bodiesOf(definition, operationsOf(definition));
      this.#proxies.set(definition, (proxy = this.#proxy(definition, {}, bodies)));
    }
    return proxy as RpcProxy<T>;
  }

  /** @internal A client that passes on calls of other clients, which have already run the bodies. */
  relay(definition: RpcInterfaceDefinition): object {
    return this.#proxy(definition, {}, new Set());
  }

  /**
   * Listens to the steps of calls.
   *
   * @returns a function that removes the listener
   */
  addListener(listener: (event: RpcClientEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Lists the interfaces that the server serves (docs/wire.md#28-control-channel). An endpoint is `compatible` unless this
   * client has the interface in an incompatible version.
   */
  async describeEndpoints(): Promise<RpcEndpoint[]> {
    const { interfaces = [] } = this.options;
    const names = interfaces.map(
      ({ interfaceName, interfaceVersion }) => `${interfaceName}@${interfaceVersion}`,
    );
    names.sort(); // oxlint-disable-line unicorn/no-array-sort -- not every page has `toSorted`
    const id = btoa(String.fromCodePoint(...new TextEncoder().encode(names.join(','))));
    const target: RpcClientTarget = {
      definition: { interfaceName: id, interfaceVersion: CONTROL_VERSION },
      operation: 'describeEndpoints',
      policy: { allowResponseCaching: false, idempotency: 'safe', stream: false },
    };
    const endpoints = await this.#call(target, [], { token: this.options.token ?? nowhere });
    if (!isEndpoints(endpoints)) throw generalError('The server does not say what it serves.');
    for (const endpoint of endpoints) {
      const own = interfaces.find(({ interfaceName }) => interfaceName === endpoint.interfaceName);
      // Checked here, because the server does not know the version of this client.
      endpoint.compatible = !own || isVersionCompatible(endpoint.interfaceVersion, own.interfaceVersion);
    }
    return endpoints;
  }

  /**
   * Asks the server whether it serves the interfaces of this client.
   *
   * @throws NumberedError (rejection) if an interface is missing, or its version does not fit; its number is
   * `RpcInterfaceStatus.IncompatibleVersion` (135168)
   */
  async ready(): Promise<void> {
    const endpoints = await this.describeEndpoints();
    const faults = (this.options.interfaces ?? []).flatMap(({ interfaceName, interfaceVersion }) => {
      const served = endpoints.find((endpoint) => endpoint.interfaceName === interfaceName);
      if (!served) return [`${interfaceName} is not served`];
      const misfit = `${interfaceName} is served in version ${served.interfaceVersion}, which does not fit to ${interfaceVersion}`;
      return served.compatible ? [] : [misfit];
    });
    if (faults.length > 0)
      throw new NumberedError(
        INCOMPATIBLE_VERSION,
        'RpcInterfaceStatus.IncompatibleVersion',
        `The server does not fit: ${faults.join('; ')}.`,
      );
  }

  /** @param bodies the operations whose bodies in the definition are run; the others are sent directly */
  #proxy(definition: RpcInterfaceDefinition, options: RpcCallOptions, bodies: ReadonlySet<string>): object {
    const proxy: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
    /** Sends a call, by its operation. */
    const calls = new Map<string, (args: unknown[]) => unknown>();
    const run = bodyRunner(definition, bodies, (operation, args) => calls.get(operation)!(args));
    for (const operation of operationsOf(definition)) {
      const policy = operationPolicy(definition, operation);
      const target = { definition, operation: operationKey(operation), policy };
      const call = policy.stream
        ? (args: unknown[]) => this.#stream(target, args, options)
        : (args: unknown[]) => this.#call(target, args, options);
      calls.set(operation, call);
      if (!bodies.has(operation)) proxy[operation] = (...args: unknown[]) => call(args);
      // Asynchronous, because a body may throw.
      else if (!policy.stream) proxy[operation] = async (...args: unknown[]) => run(operation, args);
      else
        proxy[operation] = (...args: unknown[]) =>
          lazyStream(async () => streamItems(await run(operation, args), operation));
    }
    // Not enumerable, because it is not an operation.
    if (!('with' in proxy))
      Object.defineProperty(proxy, 'with', {
        value: (more: RpcCallOptions) => this.#proxy(definition, mergeCallOptions(options, more), bodies),
      });
    return proxy;
  }

  /** Calls an operation whose result is a stream, when its first item is read. */
  #stream(target: RpcClientTarget, args: unknown[], options: RpcCallOptions): AsyncIterable<unknown> {
    const { signal } = mergeCallOptions<RpcCallOptions>(this.options, options);
    return lazyStream(async (leaving) => {
      const result = await this.#call(target, args, { ...options, signal: leaving });
      return streamItems(result, target.operation);
    }, signal);
  }

  // Asynchronous, so that every error is a rejection.
  async #call(target: RpcClientTarget, args: unknown[], options: RpcCallOptions): Promise<unknown> {
    const merged = mergeCallOptions(this.options, options);
    return new RpcClientCall(target, args, this.transport, merged, (event) =>
      notifyAll(this.#listeners, (listener) => listener(event)),
    ).run();
  }
}

/** @throws ServerError (rejection) if a result is not a stream */
async function streamItems(result: unknown, operation: string): Promise<StreamItems> {
  if (result instanceof StreamResult) return result.items;
  // A body may return any stream.
  const { itemsOf } = await import('../../stream/stream.items.js');
  const items = itemsOf(result);
  if (items) return items;
  throw new ServerError(-1, `${operation} is declared as a stream, and the server answered with a value.`);
}

/** `RpcInterfaceStatus.IncompatibleVersion`, without importing the table of numbers. */
const INCOMPATIBLE_VERSION = 135168;

/** The token of a request that concerns no model. */
const nowhere = { iTwinId: 'none', iModelId: 'none', changeset: { id: 'none' } };

function isEndpoints(value: unknown): value is RpcEndpoint[] {
  const isEndpoint = (each: Partial<RpcEndpoint> | null) =>
    typeof each?.interfaceName === 'string' && typeof each.interfaceVersion === 'string';
  return Array.isArray(value) && value.every(isEndpoint);
}
