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

/** The events that an {@link RpcRequestEventHandler} receives, by the numbers of iTwin.js. */
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

/** The parameters of `WebRpcManager.initializeClient`: those of iTwin.js, and all options of {@link RpcClientOptions}. */
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

/** Joins the context of a call with {@link RpcConfiguration.requestContext}. */
function around(callContext: RpcCallContext | undefined): RpcCallContext {
  const { getId, serialize } = RpcConfiguration.requestContext;
  const renew = async (id: string) => {
    const { authorization: accessToken, ...names } = await serialize!({ id });
    return { ...names, accessToken };
  };
  return { ...callContext, activityId: getId?.() || callContext?.activityId, renew: serialize && renew };
}

// State of the static faces only: a page has one set of servers, as in iTwin.js.
let fallback: IModelRpcProps | undefined;
const configurations = new Map<RpcRoutingToken, Map<string, RpcConfiguration>>();

/** The clients that were initialised, by their definitions. */
export abstract class RpcManager {
  /**
   * Returns the client of an interface.
   *
   * @param routing selects the server if several answer the interface
   * @throws Error if the interface was not initialised
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
   * Checks that an interface can be called; iTwin.js code calls this on both sides. The client exists after
   * `WebRpcManager.initializeClient` has named the server.
   *
   * @throws Error if the class is not a definition
   */
  static initializeInterface(definition: RpcInterfaceDefinition): void {
    operationsOf(definition);
  }

  /** Removes the clients of an interface. Code that already holds a client keeps it. */
  static terminateInterface({ interfaceName }: RpcInterfaceDefinition): void {
    for (const routed of configurations.values()) routed.delete(interfaceName);
  }

  /** Routes the calls that have no token among their arguments. */
  static setIModel(token: IModelRpcProps | undefined): void {
    fallback = token;
  }

  /** The endpoints of the servers of all initialised interfaces. Each server is called once. */
  static async describeAvailableEndpoints(): Promise<RpcEndpoint[]> {
    const servers = new Set<RpcConfiguration>();
    for (const routed of configurations.values()) for (const server of routed.values()) servers.add(server);
    return (await Promise.all([...servers].map((server) => server.describeEndpoints()))).flat();
  }
}

/** Makes clients over HTTP. */
export abstract class WebRpcManager extends RpcManager {
  /**
   * Makes the client of a server, which answers these interfaces from now on. It replaces earlier clients of them.
   *
   * @param routing a token to select this client, if several servers answer an interface
   * @throws Error if a class is not a definition, or the parameters do not name a server
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
