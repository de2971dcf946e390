import { Inject, Injectable } from '@nestjs/common';
import {
  ApplicationConfig,
  DiscoveryService,
  ExternalContextCreator,
  LazyModuleLoader,
  ModulesContainer,
} from '@nestjs/core';
import type { InstanceWrapper } from '../../nest/internals/nest.exports.js';
import type { IpcCall, IpcChannelLike, IpcMethodHandler } from '@linnet/common';
import { afterCheck, channelName, checksOf, isStreaming, methodSchemas } from '@linnet/common/internal';
import type { CheckArguments } from '@linnet/common/internal';
import { ignoredDecorators } from '../../nest/params/decorator.check.js';
import { findDecorated } from '../../nest/explorer/handler.explorer.js';
import type { DecoratedProvider } from '../../nest/explorer/handler.explorer.js';
import { HandlerPipeline, handlerMethod } from '../../nest/pipeline/handler.pipeline.js';
import { onLazyModule } from '../../nest/internals/nest.patches.js';
import { bindGlobalEnhancers } from '../../nest/internals/scoped.instances.js';
import { MessageCall } from '../../nest/pipeline/message.call.js';
import type { MessageTarget } from '../../nest/pipeline/message.call.js';
import { nestParts } from '../../nest/internals/pipeline.parts.js';
import { warnOfUnrecordedTypes } from '../../nest/params/types.check.js';
import { checkScope } from '../../nest/explorer/scope.check.js';
import { IPC_HANDLER } from '../host/ipc.decorator.js';
import type { IpcHandlerMetadata } from '../host/ipc.decorator.js';
import { IpcHost } from '../host/ipc.host.js';
import { callableMethods, channelOf } from '../host/handler.methods.js';
import type { IpcModuleOptions } from '../host/ipc.options.js';
import { checkExternalTriggers } from './external.triggers.js';
import { SessionScopes } from './session.scope.js';
import { scopeOf } from './scope.rules.js';
import type { HandlerScope } from './scope.rules.js';
import { IPC_OPTIONS } from '../host/ipc.tokens.js';
import { SafeLogger } from '../../nest/logging/safe.logger.js';

type Methods = Record<string, (...args: unknown[]) => unknown>;

/** Finds the handlers among the providers, and registers them for their channels. */
@Injectable()
export class IpcRegistry {
  readonly scopes: SessionScopes;
  readonly #logger = new SafeLogger('IpcModule');
  /** The class of each channel. */
  readonly #names = new Map<string, string>();
  readonly #known = new Set<unknown>();

  constructor(
    @Inject(IPC_OPTIONS) private readonly options: IpcModuleOptions,
    private readonly discovery: DiscoveryService,
    private readonly creator: ExternalContextCreator,
    private readonly host: IpcHost,
    private readonly modules: ModulesContainer,
    private readonly config: ApplicationConfig,
    private readonly lazyModules: LazyModuleLoader,
  ) {
    this.scopes = new SessionScopes(creator, modules);
  }

  /** Registers all handlers. @throws Error if a handler cannot work; it names the class */
  registerAll(): void {
    this.#registerNew(false);
    onLazyModule(this.lazyModules, () => this.#registerNew(true));
  }

  #registerNew(isLazy: boolean): void {
    for (const provider of findDecorated<IpcHandlerMetadata>(this.discovery, IPC_HANDLER)) {
      const { wrapper, metadata, type } = provider;
      // A factory may return a handler that is a provider itself.
      if (this.#known.has(wrapper.instance)) continue;
      this.#known.add(wrapper.instance);
      if (isLazy) bindGlobalEnhancers(wrapper, this.config);
      checkScope(wrapper, type.name, 'an IPC handler', 'sessions');
      const channel = channelOf(type, wrapper.instance as object, metadata.channel);
      const name = channelName(channel);
      const other = this.#names.get(name);
      if (other !== undefined)
        throw new Error(`IPC channel "${name}" has two handlers: ${other} and ${type.name}.`);
      this.#names.set(name, type.name);
      this.#register(provider, channel);
    }
    this.scopes.complete();
    checkExternalTriggers(this.modules);
  }

  #register(
    { wrapper, metadata, type }: DecoratedProvider<IpcHandlerMetadata>,
    channel: IpcChannelLike,
  ): void {
    const instance = wrapper.instance as Methods;
    // A mock in the place of a handler may have fewer methods than the class.
    const scope = scopeOf(wrapper, type.name);
    const known = scope === 'application' ? instance : undefined;
    const { requireIpcMethod = false } = this.options;
    const callable = callableMethods(type, known, channel, requireIpcMethod).filter(
      (method) => typeof instance[method] === 'function',
    );
    const name = channelName(channel);
    const methods = new Map(
      callable.map((method) => {
        const checks = checksOf(`${name}.${method}`, methodSchemas(channel, method));
        const isStream = isStreaming(channel, method);
        const target = targetOf(name, method);
        return [method, this.#handlerOf(wrapper, scope, target, method, isStream, checks?.checkArguments)];
      }),
    );
    if (scope === 'session') this.scopes.add(wrapper);
    const handler = { name: type.name, methods, sequential: metadata.sequential, checksArguments: true };
    // A replacement would lose the enhancers of Nest: nothing replaces a provider.
    this.host.server.channels.register(channel, handler, true);
    for (const warning of ignoredDecorators(instance, callable)) this.#logger.warn(warning);
    const notes = [
      scope !== 'application' && `one for each ${scope}`,
      metadata.sequential && 'one call after the other',
    ];
    const note = notes.filter(Boolean).join(', ');
    this.#logger.log(
      `${type.name} answers IPC channel ${name}${note && ` (${note})`}: ${callable.join(', ')}`,
    );
  }

  #handlerOf(
    wrapper: InstanceWrapper,
    scope: HandlerScope,
    target: MessageTarget,
    name: string,
    isStream: boolean,
    check: CheckArguments | undefined,
  ): IpcMethodHandler {
    const { scopes } = this;
    const parts = nestParts(this.creator);
    const method = handlerMethod(parts, wrapper, name, this.options, isStream, check);
    warnOfUnrecordedTypes(parts, wrapper, name, method.params, '@IpcMethod()');
    const callOf = (call: IpcCall) => new MessageCall(target, call.session, call);
    if (scope === 'session') return (call) => scopes.runInSession(call.session, method, callOf(call));
    if (scope === 'call') return (call) => scopes.runInCall(call.session, method, callOf(call));
    const instance = wrapper.instance as Methods;
    const pipeline = new HandlerPipeline(parts, instance, method);
    // Most methods have no enhancers, and need no pipeline.
    if (pipeline.isPlain)
      return (call) => afterCheck(check, call.arguments, () => instance[name]!(...call.arguments));
    return (call) => pipeline.run(callOf(call));
  }
}

function targetOf(channel: string, method: string): MessageTarget {
  const url = `/${encodeURIComponent(channel)}/${encodeURIComponent(method)}`;
  return { contextType: 'ws', pattern: `${channel}.${method}`, url };
}
