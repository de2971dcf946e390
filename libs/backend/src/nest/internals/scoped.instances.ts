import { ContextIdFactory } from '@nestjs/core';
import type { ApplicationConfig, ContextId, ExternalContextCreator } from '@nestjs/core';
import { Injector, REQUEST_CONTEXT_ID } from './nest.exports.js';
import type { InstanceWrapper } from './nest.exports.js';

/**
 * The context in which the request-scoped instances of a request live. Nest 12.5.1 looks for its id on the request, so that
 * middleware and implementation of one request share their instances.
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
 * A context that lives as long as an owner other than a request, as a session. `REQUEST` is the owner in it. The payload of
 * the application's strategy is not written onto the owner.
 */
export function contextIdOfOwner(creator: ExternalContextCreator, owner: object): ContextId {
  const contextId = ContextIdFactory.getByRequest(owner);
  if (Object.hasOwn(owner, REQUEST_CONTEXT_ID)) return contextId;
  Object.defineProperty(owner, REQUEST_CONTEXT_ID, { value: contextId });
  creator.registerRequestProvider(owner, contextId);
  return contextId;
}

/**
 * Nest's injector, for instances that are made as calls and sessions come. Nest 12.5.1 resolves a promise with the value that
 * a constructor has thrown. A value with a `then`, or a revoked proxy, rejects that promise, for which nobody listens, and
 * would end the process.
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

/** The instance of a provider or controller in a context, with its dependencies and the enhancers that are bound to it. */
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

/** The same without the enhancers, which {@link enhancersInContext} makes. */
export function bareInContext(wrapper: InstanceWrapper, contextId: ContextId): Promise<object> {
  return instanceInContext(wrapper, contextId, bareInjector);
}

/** Makes the enhancers that are bound to a provider or controller, in a context. */
export async function enhancersInContext(wrapper: InstanceWrapper, contextId: ContextId): Promise<void> {
  await injector.loadEnhancersPerContext(wrapper, contextId, wrapper);
  await injector.waitForDeferredLoads(contextId);
}

/** Gives a provider that was loaded lazily the request-scoped global enhancers: Nest 12.5.1 adds them at start only. */
export function bindGlobalEnhancers(wrapper: InstanceWrapper, config: ApplicationConfig): void {
  const scoped = [
    ...config.getGlobalRequestGuards(),
    ...config.getGlobalRequestInterceptors(),
    ...config.getGlobalRequestPipes(),
    ...config.getGlobalRequestFilters(),
  ];
  const bound = new Set(wrapper.getEnhancersMetadata() ?? []);
  for (const enhancer of scoped) if (!bound.has(enhancer)) wrapper.addEnhancerMetadata(enhancer);
}
