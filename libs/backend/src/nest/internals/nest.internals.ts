import type { INestApplicationContext, Type } from '@nestjs/common';
import { REQUEST_CONTEXT_ID } from '@nestjs/core/internal';
import { ContextIdFactory } from '@nestjs/core';
import type { ApplicationConfig, ContextId, ExternalContextCreator } from '@nestjs/core';
import { Injector } from '@nestjs/core/internal';
import type {
  BaseExceptionFilterContext,
  ContextUtils,
  GuardsContextCreator,
  InstanceWrapper,
  InterceptorsContextCreator,
  PipesConsumer,
  PipesContextCreator,
} from '@nestjs/core/internal';
import type { ExceptionFilterMetadata } from '@nestjs/common/internal';

/**
 * Nest's own parts, as `ExternalContextCreator` holds them. Its `create` runs guards, interceptors and pipes,
 * but drops arguments beyond the declared ones, answers an error with what a filter returns, and logs every
 * error as unexpected; so the same parts are put together anew, in `handler.pipeline.ts`. They are private there;
 * what else is used beyond Nest's public interface are exports of its `internal` entries, and the hooks that its
 * adapters keep. `nest.internals.spec.ts` fails when any of it changes.
 */
export interface NestParts {
  readonly guardsContextCreator: GuardsContextCreator;
  readonly interceptorsContextCreator: InterceptorsContextCreator;
  readonly pipesContextCreator: PipesContextCreator;
  readonly pipesConsumer: PipesConsumer;
  readonly filtersContextCreator: BaseExceptionFilterContext & FiltersContextCreator;
  readonly contextUtils: ContextUtils;
}

interface FiltersContextCreator {
  create(
    instance: object,
    callback: (...args: never[]) => unknown,
    module: string,
    contextId?: ContextId,
    inquirerId?: string,
  ): object;
}

export function nestParts(creator: ExternalContextCreator): NestParts {
  return creator as unknown as NestParts;
}

/** The filters of a method, the nearest first. */
export function filtersOf(
  parts: NestParts,
  ...args: Parameters<FiltersContextCreator['create']>
): ExceptionFilterMetadata[] {
  return (parts.filtersContextCreator.create(...args) as { filters: ExceptionFilterMetadata[] }).filters;
}

/** The filters of a method less the global ones, which are written for requests: those that were bound for it. */
export function boundFiltersOf(
  parts: NestParts,
  ...args: Parameters<FiltersContextCreator['create']>
): ExceptionFilterMetadata[] {
  // Global enhancers come from the application's config; a creator without one knows of none.
  const filtersContextCreator = Object.create(parts.filtersContextCreator, {
    config: { value: undefined },
  }) as NestParts['filtersContextCreator'];
  return filtersOf({ ...parts, filtersContextCreator }, ...args);
}

/** The filters of a method less those global ones that are not meant. @param isMeant asked with a filter, or the prototype of its class */
export function globalFiltersOf(
  parts: NestParts,
  isMeant: (filter: unknown) => boolean,
  ...args: Parameters<FiltersContextCreator['create']>
): ExceptionFilterMetadata[] {
  const { config: all } = parts.filtersContextCreator as unknown as { config: ApplicationConfig };
  const config = Object.create(all, {
    getGlobalFilters: { value: () => all.getGlobalFilters().filter(isMeant) },
    getGlobalRequestFilters: {
      value: () =>
        all.getGlobalRequestFilters().filter(({ metatype }) => isMeant((metatype as Type | null)?.prototype)),
    },
  }) as ApplicationConfig;
  const filtersContextCreator = Object.create(parts.filtersContextCreator, {
    config: { value: config },
  }) as NestParts['filtersContextCreator'];
  return filtersOf({ ...parts, filtersContextCreator }, ...args);
}

/**
 * The context in which the request-scoped instances of a request live: that of the request itself, so that
 * its middleware and its implementation share them.
 */
export function contextIdOf(creator: ExternalContextCreator, request: object, durable: boolean): ContextId {
  const contextId = ContextIdFactory.getByRequest(request);
  if (Object.hasOwn(request, REQUEST_CONTEXT_ID)) return contextId;
  Object.defineProperty(request, REQUEST_CONTEXT_ID, { value: contextId });
  const payload: unknown = contextId.payload;
  creator.registerRequestProvider(durable ? payload : Object.assign(request, payload), contextId);
  return contextId;
}

/**
 * A context that lives as long as something else than a request, which is what `REQUEST` is in it. Nothing of the
 * application's strategy is written onto it.
 */
export function contextIdOfOwner(creator: ExternalContextCreator, owner: object): ContextId {
  const contextId = ContextIdFactory.getByRequest(owner);
  if (Object.hasOwn(owner, REQUEST_CONTEXT_ID)) return contextId;
  Object.defineProperty(owner, REQUEST_CONTEXT_ID, { value: contextId });
  creator.registerRequestProvider(owner, contextId);
  return contextId;
}

/**
 * Nest's injector, for instances that are made as calls and sessions come. Nest resolves a promise with what a constructor
 * has thrown: what has a `then`, or is a revoked proxy, would reject it where nobody listens, and end the process.
 */
class CallInjector extends Injector {
  override applySettlementSignal<T>(
    ...args: Parameters<typeof Injector.prototype.applySettlementSignal<T>>
  ): ReturnType<typeof Injector.prototype.applySettlementSignal> {
    const signal = super.applySettlementSignal(...args);
    signal.asPromise().catch(() => undefined);
    return signal;
  }
}

/** Makes instances without the enhancers that are bound to them. */
class BareInjector extends CallInjector {
  override async loadEnhancersPerContext(): Promise<void> {}
}

const injector = new CallInjector();
const bareInjector = new BareInjector();

/** The instance of a provider or controller in a context, with all that it depends on and what is bound to it. */
export function instanceInContext(
  wrapper: InstanceWrapper,
  contextId: ContextId,
  by: Injector = injector,
): Promise<object> {
  const module = wrapper.host!;
  const collection =
    module.controllers.get(wrapper.token) === wrapper ? module.controllers : module.providers;
  return by.loadPerContext(wrapper.instance as object, module, collection as never, contextId, wrapper);
}

/** The same without what is bound to it: that is made by {@link enhancersInContext}. */
export function bareInContext(wrapper: InstanceWrapper, contextId: ContextId): Promise<object> {
  return instanceInContext(wrapper, contextId, bareInjector);
}

/** Makes the enhancers that are bound to a provider or controller, in a context. */
export async function enhancersInContext(wrapper: InstanceWrapper, contextId: ContextId): Promise<void> {
  await injector.loadEnhancersPerContext(wrapper, contextId, wrapper);
  await injector.waitForDeferredLoads(contextId);
}

const prepared = new WeakSet<object>();

/**
 * Does something before anything else of an application ends, once for each application: what has no HTTP adapter, whose
 * `beforeClose` is for that, has a method of its own, which does nothing.
 */
export function beforeClose(app: INestApplicationContext, work: () => Promise<void>): void {
  if (prepared.has(app)) return;
  prepared.add(app);
  const closing = app as unknown as { prepareClose(): Promise<void> };
  const prepareClose = closing.prepareClose.bind(app);
  closing.prepareClose = async () => {
    await work();
    await prepareClose();
  };
}
