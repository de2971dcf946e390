import { RpcClient } from '../../rpc/client/client.js';
import type { RpcProxy } from '../../rpc/client/client.js';
import type { RpcCallContext } from '../../rpc/client/client.options.js';
import type { RpcClientOptions } from './client.options.js';
import { HttpTransport } from './http.transport.js';
import { operationsOf } from '../../rpc/definition/definition.js';
import type { RpcInterfaceDefinition } from '../../rpc/definition/definition.js';
import type { RpcEndpoint } from '../../rpc/definition/endpoint.js';
import type { IModelRpcProps } from '../../rpc/definition/token.js';

/** Tells apart the servers that answer the same interface. */
export class RpcRoutingToken {
  /** The one of who names none. */
  static readonly default = new RpcRoutingToken('default');

  private constructor(
    /** For messages. */
    readonly debugLabel: string,
  ) {}

  /** Makes a token that is like no other. */
  static generate(debugLabel = 'generated'): RpcRoutingToken {
    return new RpcRoutingToken(debugLabel);
  }
}

/** What an {@link RpcRequestEventHandler} is told, by the numbers of iTwin.js. */
export const RpcRequestEvent = {
  StatusChanged: 0,
  PendingUpdateReceived: 1,
  TransientErrorReceived: 2,
} as const;

/** Follows pending calls, in the form of iTwin.js. */
export type RpcRequestEventHandler = (
  type: (typeof RpcRequestEvent)[keyof typeof RpcRequestEvent],
  request: {
    /** The activity id. */
    readonly id: string;
    readonly operation: {
      readonly operationName: string;
      readonly interfaceDefinition: { readonly interfaceName: string };
    };
    /** The server's word on how far it is. */
    readonly extendedStatus: string;
  },
) => void;

/** What `WebRpcManager.initializeClient` is called with: as in iTwin.js, and all options of {@link RpcClientOptions}. */
export interface WebRpcParams extends Omit<RpcClientOptions, 'interfaces'> {
  /** Names the server in every path, for gateways and logs. */
  readonly info: { readonly title: string; readonly version: string };
  /** Told the progress of pending calls; `addListener` tells more, and types it. */
  readonly pendingRequestListener?: RpcRequestEventHandler;
}

/** Says of every request of all {@link WebRpcManager}'s clients what their own options leave open, as in iTwin.js. */
export interface RpcRequestContext {
  /** Names the activity of a call. */
  getId?: () => string;
  /** Asked before every request, repetitions included. The id of a call stays what it was. */
  serialize?: (request: { readonly id: string }) => Promise<{
    readonly applicationId: string;
    readonly applicationVersion: string;
    readonly sessionId: string;
    /** The value of `Authorization`. */
    readonly authorization: string;
  }>;
}

/** The client of one server, as {@link WebRpcManager} makes it. */
export class RpcConfiguration extends RpcClient {
  /** Its members may be set at any time, and count from the next call on. */
  static readonly requestContext: RpcRequestContext = {};
  /** Whether servers that `WebRpcManager.initializeImpl` makes from now on send stacks, unless their options say otherwise. */
  static developmentMode = false;
  /** As {@link developmentMode}, for servers that refuse a token which differs from the path. */
  static throwOnTokenMismatch = false;

  /** How long to wait before a pending call is asked for again, in milliseconds. */
  pendingOperationRetryInterval: number;

  constructor(params: WebRpcParams, interfaces: readonly RpcInterfaceDefinition[]) {
    const { pendingRequestListener, ...options } = params;
    // Asked at every call, as both may change.
    const interval = () => this.pendingOperationRetryInterval;
    const own: RpcClientOptions = {
      ...options,
      interfaces,
      context: () => around(options.context?.()),
      get token() {
        return options.token ?? fallback;
      },
      get pendingIntervalMs() {
        return interval();
      },
    };
    super(own, own.transport ?? new HttpTransport(own));
    this.pendingOperationRetryInterval = options.pendingIntervalMs ?? 10_000;
    if (pendingRequestListener)
      this.addListener((event) => {
        if (event.kind !== 'pending') return;
        const { activityId: id, operation: operationName, interfaceName, message: extendedStatus } = event;
        const operation = { operationName, interfaceDefinition: { interfaceName } };
        pendingRequestListener(RpcRequestEvent.PendingUpdateReceived, { id, operation, extendedStatus });
      });
  }
}

/** What surrounds a call, and what {@link RpcConfiguration.requestContext} says of it. */
function around(callContext: RpcCallContext | undefined): RpcCallContext {
  const { getId, serialize } = RpcConfiguration.requestContext;
  const renew = async (id: string) => {
    const { authorization: accessToken, ...names } = await serialize!({ id });
    return { ...names, accessToken };
  };
  return { ...callContext, activityId: getId?.() || callContext?.activityId, renew: serialize && renew };
}

// What the static faces stand for, and nothing else is: a page has one set of servers, as in iTwin.js.
let fallback: IModelRpcProps | undefined;
const configurations = new Map<RpcRoutingToken, Map<string, RpcConfiguration>>();

/** The clients that were initialised, by their definitions. */
export abstract class RpcManager {
  /**
   * The client of an interface.
   *
   * @param routing which server, where several answer the interface
   * @throws Error for an interface that was not initialised
   */
  static getClientForInterface<T extends object>(
    definition: RpcInterfaceDefinition<T>,
    routing: RpcRoutingToken = RpcRoutingToken.default,
  ): RpcProxy<T> {
    const configuration = configurations.get(routing)?.get(definition.interfaceName);
    if (configuration) return configuration.client(definition);
    const where = routing === RpcRoutingToken.default ? '' : ` for the routing token "${routing.debugLabel}"`;
    throw new Error(
      `RPC interface "${definition.interfaceName}" has no client${where}: call ` +
        `WebRpcManager.initializeClient(params, [${definition.name}]) first, or createRpcClient(options).client(${definition.name}).`,
    );
  }

  /**
   * Looks whether an interface can be called; code for iTwin.js does so on both sides. Its client is there once
   * `WebRpcManager.initializeClient` has said where its server is.
   *
   * @throws Error with a sentence, for a definition that is none
   */
  static initializeInterface(definition: RpcInterfaceDefinition): void {
    operationsOf(definition);
  }

  /** Forgets the clients of an interface; who has one keeps it. */
  static terminateInterface({ interfaceName }: RpcInterfaceDefinition): void {
    for (const routed of configurations.values()) routed.delete(interfaceName);
  }

  /** Routes the calls that have no token among their arguments. */
  static setIModel(token: IModelRpcProps | undefined): void {
    fallback = token;
  }

  /** What the servers of all initialised interfaces serve; each is asked once. */
  static async describeAvailableEndpoints(): Promise<RpcEndpoint[]> {
    const servers = new Set<RpcConfiguration>();
    for (const routed of configurations.values()) for (const server of routed.values()) servers.add(server);
    return (await Promise.all([...servers].map((server) => server.describeEndpoints()))).flat();
  }
}

/** Makes clients over HTTP. */
export abstract class WebRpcManager extends RpcManager {
  /**
   * Makes the client of a server, which answers these interfaces from now on: who had them before has them no more.
   *
   * @param routing to be named when asking for the client, where several servers answer an interface
   * @throws Error for a definition that is none, and where it is left open which server is meant
   */
  static initializeClient(
    params: WebRpcParams,
    interfaces: readonly RpcInterfaceDefinition[],
    routing: RpcRoutingToken = RpcRoutingToken.default,
  ): RpcConfiguration {
    const configuration = new RpcConfiguration(params, interfaces);
    // Here, and not when it is called, is where a definition that cannot be called is refused.
    for (const definition of interfaces) configuration.client(definition);
    let routed = configurations.get(routing);
    if (!routed) configurations.set(routing, (routed = new Map()));
    for (const { interfaceName } of interfaces) routed.set(interfaceName, configuration);
    return configuration;
  }
}

/** The names that they have in iTwin.js. */
export { WebRpcManager as BentleyCloudRpcManager };
export type { WebRpcParams as BentleyCloudRpcParams };
