import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  RpcConfiguration,
  RpcManager as RpcClientManager,
  WebRpcManager as WebRpcClientManager,
} from '@linnet/common';
import { ImplementationRegistry } from '@linnet/common/internal';
import type {
  RpcAround,
  RpcDispatcher,
  RpcImpl,
  RpcImplClass,
  RpcInterfaceDefinition,
  RpcRoutingToken,
  WebRpcParams as WebRpcClientParams,
} from '@linnet/common';
import { withCallContext } from './backend.client.js';
import type { BackendClientOptions } from './backend.client.js';
import { inCallContext, PlainRpcServer } from './plain.server.js';
import type { RpcServerOptions } from './plain.server.js';
import { NodeRequestHead } from '../http/request.head.js';
import { checkDefinition } from './version.rules.js';

/** The parameters of `WebRpcManager.initializeImpl`: those of iTwin.js, and all options of {@link RpcServerOptions}. */
export interface WebRpcServerParams extends Omit<RpcServerOptions, 'interfaces'> {
  /** Names the server in its OpenAPI document. */
  readonly info: { readonly title: string; readonly version: string };
  /** Where clients find the server; the same parameters may be given to both. */
  readonly uriPrefix?: string;
}

/** The entry points of a web server, by the names of iTwin.js. */
export class WebRpcProtocol {
  constructor(
    private readonly server: PlainRpcServer,
    /** Names the server in its OpenAPI document. */
    readonly info: WebRpcServerParams['info'],
  ) {}

  /** The operations served as OpenAPI. */
  get openAPIDescription(): object {
    return this.server.service.openApi();
  }

  /** Answers any POST as a call, whatever its path, and any preflight. Resolves when the answer is sent; never rejects. */
  readonly handleOperationPostRequest = (request: IncomingMessage, response: ServerResponse): Promise<void> =>
    this.server.serve(request, response);

  /** Answers any GET as a call, whatever its path. */
  readonly handleOperationGetRequest = this.handleOperationPostRequest;

  /** Answers with the OpenAPI document; with 403 who asks for it by a name that the server does not go by. */
  readonly handleOpenApiDescriptionRequest = (request: IncomingMessage, response: ServerResponse): void => {
    if (!this.server.service.handler.trustsHost(new NodeRequestHead(request))) {
      response.writeHead(403).end();
      return;
    }
    response.setHeader('Content-Type', 'application/json; charset=utf-8');
    response.end(JSON.stringify(this.openAPIDescription));
  };
}

/** The interfaces that a dispatcher answers by the registered implementations. Interfaces of others stay untouched. */
class RegisteredInterfaces {
  readonly definitions = new Map<string, RpcInterfaceDefinition>();

  constructor(
    private readonly dispatcher: RpcDispatcher,
    private readonly around: RpcAround,
  ) {}

  /** Serves an interface, from now on by what is registered for it now; unless something else answers it already. */
  expose(definition: RpcInterfaceDefinition): void {
    const { interfaceName } = definition;
    if (!this.definitions.has(interfaceName) && this.dispatcher.serves(interfaceName)) return;
    this.dispatcher.replace(definition, impls.implementationOf(definition, this.around));
    this.definitions.set(interfaceName, definition);
  }

  withdraw({ interfaceName }: RpcInterfaceDefinition): void {
    if (this.definitions.delete(interfaceName)) this.dispatcher.unregister(interfaceName);
  }
}

/** A server that learns what is registered until it is closed. */
class RegisteredRpcServer extends PlainRpcServer {
  readonly registered: RegisteredInterfaces;

  constructor(params: WebRpcServerParams) {
    const { developmentMode, throwOnTokenMismatch } = RpcConfiguration;
    super({
      ...params,
      developmentMode: params.developmentMode ?? developmentMode,
      throwOnTokenMismatch: params.throwOnTokenMismatch ?? throwOnTokenMismatch,
      interfaces: [],
    });
    this.registered = new RegisteredInterfaces(this.service.dispatcher, inCallContext(params.around));
  }

  override close(timeoutMs?: number): Promise<number> {
    servers.delete(this.registered);
    return super.close(timeoutMs);
  }
}

/** A server of interfaces whose implementations {@link RpcManager} knows. */
export class WebRpcConfiguration {
  /** The server itself: a handler for `node:http` and Express, `fetch`, `close`. */
  readonly server: PlainRpcServer;
  /** Handlers for the routes of a web server, by the names of iTwin.js. */
  readonly protocol: WebRpcProtocol;
  /** @internal */
  readonly registered: RegisteredInterfaces;

  constructor(params: WebRpcServerParams) {
    const server = new RegisteredRpcServer(params);
    this.server = server;
    this.registered = server.registered;
    this.protocol = new WebRpcProtocol(server, params.info);
  }

  /** The interfaces that are served. */
  readonly interfaces = (): RpcInterfaceDefinition[] => [...this.registered.definitions.values()];
}

// State of the static faces only: a process has one set of implementations, as in iTwin.js.
const impls = new ImplementationRegistry();
const servers = new Set<RegisteredInterfaces>();
/** Interfaces that were initialised alone: every configuration serves them. */
const initialized = new Map<string, RpcInterfaceDefinition>();

/** Serves an interface again, because the policies of an implementation are known only when it is registered. */
function renew(definition: RpcInterfaceDefinition): void {
  for (const server of servers)
    if (server.definitions.has(definition.interfaceName)) server.expose(definition);
}

function serve(server: RegisteredInterfaces, interfaces: readonly RpcInterfaceDefinition[]): void {
  for (const definition of interfaces) checkDefinition(definition, definition.name);
  for (const definition of interfaces) server.expose(definition);
  servers.add(server);
}

/**
 * Serves interfaces through a dispatcher by the implementations that are registered with {@link RpcManager} at the time of
 * a call: for servers that are not reached over HTTP. Interfaces that the dispatcher already answers stay as they are.
 *
 * @returns a function that ends it
 * @throws Error if a definition cannot be served
 */
export function serveRegistered(
  dispatcher: RpcDispatcher,
  interfaces: readonly RpcInterfaceDefinition[],
): () => void {
  const server = new RegisteredInterfaces(dispatcher, inCallContext());
  serve(server, [...interfaces, ...initialized.values()]);
  return () => {
    servers.delete(server);
    for (const definition of server.definitions.values()) server.withdraw(definition);
  };
}

/** Implementations and clients by their definitions, as in iTwin.js. */
export abstract class RpcManager extends RpcClientManager {
  /** Takes the class that implements an interface; an object is made of it at the first call. Replaces the last one. */
  static registerImpl<T extends object>(
    definition: RpcInterfaceDefinition<T>,
    implementation: RpcImplClass<RpcImpl<T>>,
  ): void {
    impls.register(definition, implementation);
    renew(definition);
  }

  /** Forgets what implements an interface: its calls are errors from now on. */
  static unregisterImpl(definition: RpcInterfaceDefinition): void {
    impls.unregister(definition);
  }

  /**
   * Registers the object that implements an interface.
   *
   * @throws Error if a class is registered and the object is not an instance of it
   */
  static supplyImplInstance<T extends object>(
    definition: RpcInterfaceDefinition<T>,
    instance: RpcImpl<T>,
  ): void {
    impls.supply(definition, instance);
    renew(definition);
  }

  /**
   * Serves an interface by every configuration, including later ones.
   *
   * @throws Error if the definition cannot be served
   */
  static override initializeInterface(definition: RpcInterfaceDefinition): void {
    checkDefinition(definition, definition.name);
    initialized.set(definition.interfaceName, definition);
    for (const server of servers) server.expose(definition);
  }

  /** Stops serving an interface, and removes its implementation and its clients. */
  static override terminateInterface(definition: RpcInterfaceDefinition): void {
    super.terminateInterface(definition);
    impls.unregister(definition);
    initialized.delete(definition.interfaceName);
    for (const server of servers) server.withdraw(definition);
  }
}

/** Makes servers and clients over HTTP. */
export abstract class WebRpcManager extends RpcManager {
  /**
   * Makes a server of interfaces. Implementations are looked up at each call.
   *
   * @throws Error if a definition cannot be served
   */
  static initializeImpl(
    params: WebRpcServerParams,
    interfaces: readonly RpcInterfaceDefinition[],
  ): WebRpcConfiguration {
    const configuration = new WebRpcConfiguration(params);
    serve(configuration.registered, [...interfaces, ...initialized.values()]);
    return configuration;
  }

  /** As on a client; what is called inside a call is part of it, as with {@link createRpcClient}. */
  static initializeClient(
    params: Omit<WebRpcClientParams, 'context'> & BackendClientOptions,
    interfaces: readonly RpcInterfaceDefinition[],
    routing?: RpcRoutingToken,
  ): RpcConfiguration {
    return WebRpcClientManager.initializeClient(withCallContext(params), interfaces, routing);
  }
}

/** The names that they have in iTwin.js. */
export { WebRpcManager as BentleyCloudRpcManager };
export type { WebRpcServerParams as BentleyCloudRpcParams };
