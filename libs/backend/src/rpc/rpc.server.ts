import { Inject, Injectable } from '@nestjs/common';
import type { OnApplicationBootstrap, OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import {
  ApplicationConfig,
  DiscoveryService,
  ExternalContextCreator,
  HttpAdapterHost,
  LazyModuleLoader,
  ModuleRef,
} from '@nestjs/core';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { defaultWireLimits, RpcDispatcher } from '@linnet/common';
import type {
  IpcServedChannel,
  OnceStore,
  RpcEndpoint,
  RpcInterfaceDefinition,
  RpcListening,
} from '@linnet/common';
import { HttpRpcService, limitsFrom, methodOf, normalizePath } from '@linnet/common/internal';
import { ClientRequestContext } from '../call/request.context.js';
import { bindItems } from '../call/stream.context.js';
import { drainOnClose, SHUTDOWN_MS, watchHttp } from '../http/http.mount.js';
import type { HttpIntegration } from '../http/http.integration.js';
import { reporterFor } from '../nest/errors/error.observer.js';
import { mapNestException } from '../nest/errors/exception.mapper.js';
import { findDecorated } from '../nest/explorer/handler.explorer.js';
import type { DecoratedProvider } from '../nest/explorer/handler.explorer.js';
import { onLazyModule } from '../nest/internals/nest.patches.js';
import { bindGlobalEnhancers } from '../nest/internals/scoped.instances.js';
import { ignoredDecorators } from '../nest/params/decorator.check.js';
import { NodeRpcServer } from '../node/http/node.server.js';
import { checkPath } from '../node/http/path.check.js';
import { onceOptions } from '../node/rpc/once.options.js';
import type { RpcOnceOptions } from '../node/rpc/once.options.js';
import { checkDefinition, versionRule } from '../node/rpc/version.rules.js';
import { checkImplementation, classNameOf, excludedPath } from './rpc.checks.js';
import { DocumentGuard } from './document.guard.js';
import type { RpcDocsOptions, RpcDocuments } from './rpc.documents.js';
import { RPC_IMPLEMENTATION } from './rpc.decorator.js';
import type { RpcImplementationMetadata } from './rpc.decorator.js';
import { RpcHandlerFactory } from './rpc.handler.js';
import type { RpcModuleOptions } from './rpc.options.js';
import { SafeLogger } from '../nest/logging/safe.logger.js';

export const RPC_OPTIONS = Symbol('linnet:rpc-options');

/** Applications, by their adapter, that are served already. */
const served = new WeakSet<object>();

/** Serves the RPC implementations of an application. */
@Injectable()
export class RpcServer implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  readonly #logger = new SafeLogger('RpcModule');
  /** @internal What is served here, for other ways to call it. */
  readonly dispatcher: RpcDispatcher;
  /** @internal The documents, if `RpcModule` serves them. */
  documents: RpcDocuments | undefined;
  #documentGuard: DocumentGuard | undefined;
  #channels: () => readonly IpcServedChannel[] = () => [];
  #http: HttpIntegration | undefined;
  /** Names users as sessions do, if their backplane remembers calls. */
  #userKey: RpcOnceOptions['userKey'];
  /** Serves calls over NATS, where the options have it. */
  #listening: RpcListening | undefined;
  /** By interface, the class that answers it. */
  readonly #names = new Map<string, string>();
  readonly #known = new Set<unknown>();

  constructor(
    @Inject(RPC_OPTIONS) private readonly options: RpcModuleOptions,
    private readonly discovery: DiscoveryService,
    private readonly adapterHost: HttpAdapterHost,
    private readonly creator: ExternalContextCreator,
    private readonly config: ApplicationConfig,
    private readonly lazyModules: LazyModuleLoader,
    private readonly moduleRef: ModuleRef,
  ) {
    if (adapterHost.listening)
      throw new Error(
        'RpcModule cannot be loaded lazily, because it would serve nothing: import it in a module that is loaded at start.',
      );
    const { waitingCalls } = limitsFrom(defaultWireLimits, options.limits);
    const isCompatible = versionRule(options.versionCheck);
    const run = ClientRequestContext.run.bind(ClientRequestContext);
    const errors = { ...options, mapError: mapNestException };
    const once = onceOptions(options.once, errors, () => this.#userKey);
    this.dispatcher = new RpcDispatcher({ waitingCalls, isCompatible, run, bindItems, once });
    // As soon as the adapter exists: RPC must come before the middleware of Nest and of the application.
    adapterHost.init$.subscribe(() => {
      // Also happens for an application context, which has no adapter.
      const adapter = adapterHost.httpAdapter as AbstractHttpAdapter | null;
      if (adapter) this.#http = watchHttp(adapter, this.#logger);
    });
  }

  /** @internal Remembers calls that run once at the backplane of sessions, unless the options name another store. */
  shareOnce(store: OnceStore, userKey: RpcOnceOptions['userKey']): void {
    const { once } = this.options;
    if (once?.store || once?.backplane) return;
    this.dispatcher.once.store = store;
    this.#userKey = userKey;
  }

  /** @internal Adds channels to the documents. @param channels is called for each document */
  describeChannels(channels: () => readonly IpcServedChannel[]): void {
    this.#channels = channels;
  }

  /** The interfaces served here, with their operations. */
  get endpoints(): RpcEndpoint[] {
    return this.dispatcher.describeEndpoints();
  }

  /** The prefix of request paths: empty, or `/api`. */
  get path(): string {
    // The application sets its prefix when the providers are there already.
    return normalizePath(this.options.path ?? this.config.getGlobalPrefix());
  }

  /** Checks and registers the implementations; Nest calls it. Throws for one that cannot work. */
  onModuleInit(): void | Promise<void> {
    const { docs } = this.options;
    return docs ? this.#startWithDocuments(docs) : this.#start();
  }

  async #startWithDocuments(docs: RpcDocsOptions): Promise<void> {
    const { info } = this.options;
    if (docs.guards) {
      this.#documentGuard = new DocumentGuard(this.moduleRef, this.creator);
      await this.#documentGuard.prepare(docs.guards);
    }
    const { RpcDocuments } = await import('./rpc.documents.js');
    this.documents = new RpcDocuments(docs, {
      options: () => ({ ...(info && { info }), path: this.path }),
      endpoints: () => this.endpoints,
      call: ({ interfaceName, interfaceVersion }, operation) =>
        this.dispatcher.lookup(interfaceName, interfaceVersion, operation).policy,
      channels: () => this.#channels(),
    });
    this.#start();
  }

  #start(): void {
    this.#checkPath();
    // Without an HTTP side (a script's application context) the implementations are checked all the same.
    const factory = new RpcHandlerFactory(this.creator, this.#http, this.options);
    this.#registerChosen(factory);
    onLazyModule(this.lazyModules, () => {
      for (const provider of this.#newImplementations().values()) {
        bindGlobalEnhancers(provider.wrapper, this.config);
        if (this.options.interfaces?.includes(provider.metadata.definition) ?? true)
          this.#register(provider, factory);
      }
    });
    const adapter = this.adapterHost.httpAdapter as AbstractHttpAdapter | undefined;
    if (!adapter) return;
    this.#serve(adapter);
    if (this.options.nats) drainOnClose(adapter, () => this.#stopListening());
  }

  /** Checks the contract, and begins to serve over NATS, as soon as all modules are ready; Nest calls it. */
  async onApplicationBootstrap(): Promise<void> {
    for (const gap of this.documents?.gaps() ?? []) this.#logger.warn(gap);
    const { nats } = this.options;
    // NATS has a handler of its own: that of HTTP refuses calls as soon as HTTP drains.
    if (nats) this.#listening = await nats.listen(this.#newService().handler);
  }

  /** Ends the service over NATS of an application without an HTTP side; Nest calls it. */
  async onModuleDestroy(): Promise<void> {
    await this.#stopListening();
    await this.dispatcher.once.close();
  }

  async #stopListening(): Promise<void> {
    const listening = this.#listening;
    this.#listening = undefined;
    if (listening) await this.#drain(listening);
  }

  async #drain(server: Pick<RpcListening, 'close'>): Promise<void> {
    const { shutdownTimeoutMs = SHUTDOWN_MS } = this.options;
    const left = await server.close(shutdownTimeoutMs);
    if (left > 0)
      this.#logger.warn(`${left} calls were still running after ${shutdownTimeoutMs} ms, and were cut off.`);
  }

  /** The guard of each path that has one. */
  #guardsOf(prefix: string): Map<string, DocumentGuard> | undefined {
    const guard = this.#documentGuard;
    if (!guard || !this.documents) return undefined;
    return new Map(Array.from(this.documents.files.keys(), (path) => [`${prefix}${path}`, guard]));
  }

  #newService(): HttpRpcService {
    return new HttpRpcService(this.dispatcher, {
      ...this.options,
      path: this.path,
      json: this.documents !== undefined,
      files: this.documents?.files,
      mapError: mapNestException,
      decodeText: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(),
      report: reporterFor(this.#logger, this.options),
    });
  }

  #serve(adapter: AbstractHttpAdapter): void {
    if (!this.#http)
      throw new Error(`RpcModule serves applications on Express and Fastify, not on ${adapter.getType()}.`);
    if (served.has(adapter))
      throw new Error('RpcModule.forRoot() is imported twice, but one module serves the whole application.');
    served.add(adapter);
    const excluded = excludedPath(this.config, this.endpoints);
    if (excluded !== undefined && this.options.path === undefined)
      this.#logger.warn(
        `The global prefix excludes ${excluded}, but RPC keeps the prefix. Set another path with RpcModule.forRoot({ path }).`,
      );
    const service = this.#newService();
    const server = new NodeRpcServer(service.handler);
    const guards = this.#guardsOf(service.prefix);
    this.#http.attach({ server, logger: this.#logger, service, guards });
    drainOnClose(adapter, () => this.#drain(server));
  }

  #checkPath(): void {
    const { path, docs } = this.options;
    checkPath(docs?.path ?? '', 'The path of the documents', 'name one.');
    const remedy = "set the path of RPC, as in RpcModule.forRoot({ path: '/rpc' }).";
    if (path === undefined) checkPath(this.config.getGlobalPrefix(), 'The global prefix', remedy);
    else checkPath(path, 'The path of RpcModule', remedy);
  }

  #registerChosen(factory: RpcHandlerFactory): void {
    const implementations = this.#newImplementations();
    const chosen = this.options.interfaces ?? [...implementations.keys()];
    for (const definition of chosen) {
      const provider = implementations.get(definition);
      if (!provider)
        throw new Error(
          `RPC interface "${definition.interfaceName}" is to be exposed, but no provider implements it.`,
        );
      this.#register(provider, factory);
    }
  }

  #register(provider: DecoratedProvider<RpcImplementationMetadata>, factory: RpcHandlerFactory): void {
    const { wrapper, metadata } = provider;
    const { definition, isRelay = false } = metadata;
    const name = classNameOf(wrapper);
    const instance = wrapper.instance as object;
    checkImplementation(provider, name);
    this.dispatcher.register(definition, {
      name,
      methodOf: (operation) => methodOf(instance, operation, definition),
      checksArguments: true,
      isRelay,
      handlerOf: (operation, { stream }, checkArguments, once) =>
        methodOf(instance, operation, definition)
          ? factory.create(wrapper, operation, stream, checkArguments, once)
          : undefined,
    });
    const { interfaceVersion, operationNames } = this.endpoints.at(-1)!;
    for (const warning of ignoredDecorators(instance, operationNames)) this.#logger.warn(warning);
    const partly = metadata.partial ? ' (partly)' : '';
    this.#logger.log(
      `${name} answers ${definition.interfaceName} ${interfaceVersion}${partly}: ${operationNames.join(', ')}`,
    );
  }

  /** Implementations that were not there before: by definition, in the order of the providers in Nest. */
  #newImplementations(): Map<RpcInterfaceDefinition, DecoratedProvider<RpcImplementationMetadata>> {
    const found = new Map<RpcInterfaceDefinition, DecoratedProvider<RpcImplementationMetadata>>();
    for (const provider of findDecorated<RpcImplementationMetadata>(this.discovery, RPC_IMPLEMENTATION)) {
      const { definition } = provider.metadata;
      const name = classNameOf(provider.wrapper);
      // A factory may hand out an implementation that is a provider itself.
      const { instance } = provider.wrapper as { instance: unknown };
      if (this.#known.has(provider.wrapper) || (instance && this.#known.has(instance))) continue;
      this.#known.add(provider.wrapper).add(instance);
      checkDefinition(definition, name);
      const other = this.#names.get(definition.interfaceName);
      if (other !== undefined)
        throw new Error(
          `RPC interface "${definition.interfaceName}" has two implementations: ${other} and ${name}.`,
        );
      this.#names.set(definition.interfaceName, name);
      found.set(definition, provider);
    }
    return found;
  }
}
