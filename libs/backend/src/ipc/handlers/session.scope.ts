import { ModulesContainer } from '@nestjs/core';
import type { ContextId, ExternalContextCreator } from '@nestjs/core';
import type { InstanceWrapper } from '../../nest/internals/nest.exports.js';
import type { IpcSession } from '@linnet/common';
import { destroyContext } from '../../nest/internals/context.scope.js';
import { HandlerPipeline } from '../../nest/pipeline/handler.pipeline.js';
import type { HandlerMethod } from '../../nest/pipeline/handler.call.js';
import type { MessageCall } from '../../nest/pipeline/message.call.js';
import {
  bareInContext,
  contextIdOf,
  contextIdOfOwner,
  enhancersInContext,
  instanceInContext,
} from '../../nest/internals/scoped.instances.js';
import { nestParts } from '../../nest/internals/pipeline.parts.js';
import { hasEnhancersOfCalls, tokensOfSessions } from './scope.rules.js';
import { SafeLogger } from '../../nest/logging/safe.logger.js';

/** The instances of a session. */
interface Scope {
  readonly contextId: ContextId;
  readonly instances: Map<InstanceWrapper, Promise<object>>;
  /** Finished instances. Their calls start in the turn of their arrival, and so in order. */
  readonly made: Map<InstanceWrapper, object>;
  readonly pipelines: Map<HandlerMethod, HandlerPipeline>;
}

const logger = new SafeLogger('IpcModule');

/** The handlers that do not live as long as the application: one for each session, or one for each call. */
export class SessionScopes {
  /** Handlers of sessions, and whether something that is bound to them is made for each call. */
  readonly #wrappers = new Map<InstanceWrapper, boolean>();
  readonly #scopes = new WeakMap<IpcSession, Scope>();
  /** Tokens of providers that belong to a session, also where it is made in the course of a call. */
  #tokens: ReadonlySet<unknown> = new Set();

  constructor(
    private readonly creator: ExternalContextCreator,
    private readonly modules: ModulesContainer,
  ) {}

  /** Adds a handler that is one for each session. */
  add(wrapper: InstanceWrapper): void {
    this.#wrappers.set(wrapper, hasEnhancersOfCalls(wrapper));
  }

  /** All handlers were added, for now. */
  complete(): void {
    this.#tokens = tokensOfSessions(this.modules);
  }

  /** Whether a session needs instances. */
  get isNeeded(): boolean {
    return this.#wrappers.size > 0;
  }

  /** Makes the instances of a session. Rejects with the error of a constructor. */
  async open(session: IpcSession): Promise<void> {
    const scope = this.#scopeOf(session);
    for (const wrapper of this.#wrappers.keys()) await this.#instance(scope, wrapper);
  }

  /** Runs a call of a handler that is one for each session. */
  runInSession(session: IpcSession, method: HandlerMethod, call: MessageCall): Promise<unknown> {
    const scope = this.#scopeOf(session);
    const pipeline = scope.pipelines.get(method);
    if (pipeline) return pipeline.run(call);
    const instance = scope.made.get(method.wrapper);
    return instance && !this.#wrappers.get(method.wrapper)
      ? this.#pipelineOf(scope, method, instance).run(call)
      : this.#runFirst(session, scope, method, call);
  }

  #pipelineOf({ contextId, pipelines }: Scope, method: HandlerMethod, instance: object): HandlerPipeline {
    const pipeline = new HandlerPipeline(nestParts(this.creator), instance, method, contextId);
    pipelines.set(method, pipeline);
    return pipeline;
  }

  /** Runs a call of a handler that was added after the session began, or that has an enhancer for each call. */
  async #runFirst(
    session: IpcSession,
    scope: Scope,
    method: HandlerMethod,
    call: MessageCall,
  ): Promise<unknown> {
    const { wrapper } = method;
    // It exists since the session began, unless the handler was added later.
    const instance = await this.#instance(scope, wrapper);
    if (!this.#wrappers.get(wrapper)) return this.#pipelineOf(scope, method, instance).run(call);
    const parts = nestParts(this.creator);
    const contextId = this.#contextOfCall(session, call, false);
    try {
      await enhancersInContext(wrapper, contextId);
    } catch (error) {
      // An error while an enhancer is made goes to the filters that need no request.
      return new HandlerPipeline(parts, instance, method).filter(error, call);
    }
    return new HandlerPipeline(parts, instance, method, contextId).run(call);
  }

  /** Runs a call of a handler that is one for each call. */
  async runInCall(session: IpcSession, method: HandlerMethod, call: MessageCall): Promise<unknown> {
    const { wrapper } = method;
    const parts = nestParts(this.creator);
    const contextId = this.#contextOfCall(session, call, wrapper.isDependencyTreeDurable());
    let instance: object;
    try {
      instance = await instanceInContext(wrapper, contextId);
    } catch (error) {
      // An error while the instance is made goes to the filters that need no request.
      return new HandlerPipeline(parts, wrapper.instance as object, method).filter(error, call);
    }
    return new HandlerPipeline(parts, instance, method, contextId).run(call);
  }

  /** Destroys the instances of a session: `onModuleDestroy`, dependants first. Never rejects. */
  async close(session: IpcSession): Promise<void> {
    const scope = this.#scopes.get(session);
    if (!scope) return;
    this.#scopes.delete(session);
    await destroyContext(this.modules, scope.contextId, (error) => logger.error(error));
  }

  #scopeOf(session: IpcSession): Scope {
    let scope = this.#scopes.get(session);
    if (!scope) {
      const contextId = contextIdOfOwner(this.creator, session);
      scope = { contextId, instances: new Map(), made: new Map(), pipelines: new Map() };
      this.#scopes.set(session, scope);
    }
    return scope;
  }

  #instance({ contextId, instances, made }: Scope, wrapper: InstanceWrapper): Promise<object> {
    let instance = instances.get(wrapper);
    if (!instance) {
      const make = this.#wrappers.get(wrapper) ? bareInContext : instanceInContext;
      instances.set(wrapper, (instance = make(wrapper, contextId)));
      instance.then(
        (there) => made.set(wrapper, there),
        // The next call tries again.
        () => instances.delete(wrapper),
      );
    }
    return instance;
  }

  /** The context of a call, in which what belongs to the session is the session's. */
  #contextOfCall(session: IpcSession, { request }: MessageCall, isDurable: boolean): ContextId {
    const contextId = contextIdOf(this.creator, request, isDurable);
    if (this.#tokens.size === 0) return contextId;
    const { contextId: ofSession } = this.#scopeOf(session);
    const parentOf = contextId.getParent?.bind(contextId);
    contextId.getParent = (info) =>
      this.#tokens.has(info.token) ? ofSession : (parentOf?.(info) ?? contextId);
    return contextId;
  }
}
