import { Logger } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { ContextId, ExternalContextCreator } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/internal';
import type { IpcSession } from '@linnet/common';
import { destroyContext } from '../nest/context.scope.js';
import { HandlerPipeline } from '../nest/handler.pipeline.js';
import type { HandlerMethod } from '../nest/handler.pipeline.js';
import { contextIdOf, instanceInContext, nestParts } from '../nest/nest.internals.js';

/** What a session has of its own. */
interface Scope {
  readonly contextId: ContextId;
  readonly instances: Map<InstanceWrapper, object>;
  readonly pipelines: Map<HandlerMethod, HandlerPipeline>;
}

const logger = new Logger('IpcModule');

/** The handlers that exist once for each session, with all that they depend on. */
export class SessionScopes {
  readonly #wrappers = new Set<InstanceWrapper>();
  readonly #scopes = new WeakMap<IpcSession, Scope>();

  constructor(
    private readonly creator: ExternalContextCreator,
    private readonly modules: ModulesContainer,
  ) {}

  /** Has every session make an instance of its own. */
  add(wrapper: InstanceWrapper): void {
    this.#wrappers.add(wrapper);
  }

  /** Whether there is anything to make when a session begins. */
  get isNeeded(): boolean {
    return this.#wrappers.size > 0;
  }

  /** Makes the instances of a session. Rejects with what a constructor throws. */
  async open(session: IpcSession): Promise<void> {
    const isDurable = [...this.#wrappers].every((wrapper) => wrapper.isDependencyTreeDurable());
    const contextId = contextIdOf(this.creator, session, isDurable);
    const scope: Scope = { contextId, instances: new Map(), pipelines: new Map() };
    this.#scopes.set(session, scope);
    for (const wrapper of this.#wrappers)
      scope.instances.set(wrapper, await instanceInContext(wrapper, contextId));
  }

  /** The way of a call to a session's own handler. */
  pipelineOf(session: IpcSession, method: HandlerMethod): HandlerPipeline {
    const { contextId, instances, pipelines } = this.#scopes.get(session)!;
    let pipeline = pipelines.get(method);
    if (!pipeline) {
      const instance = instances.get(method.wrapper)!;
      pipeline = new HandlerPipeline(nestParts(this.creator), instance, method, contextId);
      pipelines.set(method, pipeline);
    }
    return pipeline;
  }

  /** Destroys the instances of a session: `onModuleDestroy`, dependants first. Never rejects. */
  async close(session: IpcSession): Promise<void> {
    const scope = this.#scopes.get(session);
    if (!scope) return;
    this.#scopes.delete(session);
    await destroyContext(this.modules, scope.contextId, (error) => logger.error(error));
  }
}
