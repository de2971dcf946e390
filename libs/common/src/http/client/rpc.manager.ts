import { RpcClient } from '../../rpc/client/client.js';
import type { RpcProxy } from '../../rpc/client/client.js';
import type { RpcCallContext } from '../../rpc/client/client.options.js';
import type { RpcClientOptions } from './client.options.js';
import { HttpTransport } from './http.transport.js';
import { operationsOf } from '../../rpc/definition/definition.js';
import type { RpcInterfaceDefinition } from '../../rpc/definition/definition.js';
import type { RpcEndpoint } from '../../rpc/definition/endpoint.js';
import type { IModelRpcProps } from '../../rpc/definition/token.js';

/** Distinguishes servers that answer the same interface. */
export class RpcRoutingToken {
  /** The token of calls that name none. */
  static readonly default = new RpcRoutingToken('default');

  private constructor(
    /** For messages. */
    readonly debugLabel: string,
  ) {}

  /** Creates a unique token. */
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

/** Receives the progress of pending calls, in the form of iTwin.js. */
export type RpcRequestEventHandler = (
  type: (typeof RpcRequestEvent)[keyof typeof RpcRequestEvent],
  request: {
    /** The activity id. */
    readonly id: string;
    readonly operation: {
      readonly operationName: string;
      readonly interfaceDefinition: { readonly interfaceName: string };
    };
    /** The progress message of the server. */
    readonly extendedStatus: string;
  },
) => void;

/** The parameters of `WebRpcManager.initializeClient`: those of iTwin.js, and all options of {@link RpcClientOptions}. */
export interface WebRpcParams extends Omit<RpcClientOptions, 'interfaces'> {
  /** The title and version of the server in every path, for gateways and logs. */
  readonly info: { readonly title: string; readonly version: string };
  /** Receives the progress of pending calls. `addListener` reports more events, with types. */
  readonly pendingRequestListener?: RpcRequestEventHandler;
}

/** Supplies the values that the options of a client do not set, for all clients of {@link WebRpcManager}, as in iTwin.js. */
export interface RpcRequestContext {
  /** Returns the activity id of a call. */
  getId?: () => string;
  /** Called before every request, including repetitions. The activity id of a call does not change. */
  serialize?: (request: { readonly id: string }) => Promise<{
    readonly applicationId: string;
    readonly applicationVersion: string;
    readonly sessionId: string;
    /** The value of `Authorization`. */
    readonly authorization: string;
  }>;
}

/** The configuration of a client of {@link WebRpcManager}, for one server. */
export class RpcConfiguration extends RpcClient {
  /** You can set its members at any time. They apply from the next call on. */
  static readonly requestContext: RpcRequestContext = {};
  /** The default of `developmentMode` for servers that `WebRpcManager.initializeImpl` creates from now on. */
  static developmentMode = false;
  /** The default of `throwOnTokenMismatch` for servers that are created from now on. */
  static throwOnTokenMismatch = false;

  /** The pause before a pending call is repeated, in milliseconds. */
  pendingOperationRetryInterval: number;

  constructor(params: WebRpcParams, interfaces: readonly RpcInterfaceDefinition[]) {
    const { pendingRequestListener, ...options } = params;
    // Read at every call, because both may change.
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

/** The initialized clients, by their definitions. */
export abstract class RpcManager {
  /**
   * Returns the client of an interface.
   *
   * @param routing selects the server if several answer the interface
   * @throws Error if the interface was not initialized
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

  /** The endpoints of the servers of all initialized interfaces. Each server is called once. */
  static async describeAvailableEndpoints(): Promise<RpcEndpoint[]> {
    const servers = new Set<RpcConfiguration>();
    for (const routed of configurations.values()) for (const server of routed.values()) servers.add(server);
    return (await Promise.all([...servers].map((server) => server.describeEndpoints()))).flat();
  }
}

/** Creates clients over HTTP. */
export abstract class WebRpcManager extends RpcManager {
  /**
   * Creates the client of a server for these interfaces. It replaces their earlier clients.
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
    // Refuses an invalid definition now instead of at the first call.
    for (const definition of interfaces) configuration.client(definition);
    let routed = configurations.get(routing);
    if (!routed) configurations.set(routing, (routed = new Map()));
    for (const { interfaceName } of interfaces) routed.set(interfaceName, configuration);
    return configuration;
  }
}

/** Names that iTwin.js uses. */
export { WebRpcManager as BentleyCloudRpcManager };
export type { WebRpcParams as BentleyCloudRpcParams };
