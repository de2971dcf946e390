import type { OnModuleDestroy } from '@nestjs/common';
import type { ContextId, ModulesContainer } from '@nestjs/core';
import { STATIC_CONTEXT } from './nest.exports.js';
import type { InstanceWrapper } from './nest.exports.js';

/**
 * Destroys the instances of a context: `onModuleDestroy` runs once on every instance, dependants first, one after the other.
 * Nest 12.5.1 never does this, and holds the instances in private maps of its wrappers. Singletons, durable instances and the
 * request itself stay, even if a factory of the context passed them on. Every other value that a factory returned counts as
 * an instance of the context.
 *
 * No call may run in the context any more: an instance that is still being made, or that a hook makes, is left for another
 * call of this function. A hook that never settles blocks the hooks after it.
 *
 * @returns nothing; failures of hooks are given to `onError`, and keep no other hook from running
 */
export async function destroyContext(
  container: ModulesContainer,
  contextId: ContextId,
  onError: (error: unknown) => void,
): Promise<void> {
  const wrappers = wrappersOf(container);
  // All is taken before the first hook runs, so that a second call meanwhile finds nothing.
  const taken = wrappers.map((wrapper) => take(wrapper, contextId));
  const kept = new Set(wrappers.flatMap((wrapper) => keptBy(wrapper, contextId)));
  for (const instance of dependantsFirst(taken)) {
    if (kept.has(instance)) continue;
    try {
      if (hasHook(instance)) await instance.onModuleDestroy();
    } catch (error) {
      onError(error);
    }
  }
}

interface Taken {
  readonly instances: readonly unknown[];
  /** How many depend on them; see {@link dependantsFirst}. */
  readonly rank: number;
}

/** Makes Nest forget the instances of a context, and thus make new ones, should it be asked. */
function take(wrapper: InstanceWrapper, contextId: ContextId): Taken {
  const hosts = wrapper.getExistingInstancesByContextId(contextId).filter(isMade);
  if (hosts.length === 0) return { instances: [], rank: 0 };
  const dependants = wrapper.getDependents();
  // A transient instance is kept under the id of what it was made for, which is itself where it was resolved alone.
  for (const owner of wrapper.isTransient ? [wrapper, ...dependants] : [wrapper]) {
    // An instance for a durable owner is kept in this context as well, but lives as long as the owner: it stays.
    if (homeOf(owner, contextId) === contextId) wrapper.removeInstanceByContextId(contextId, owner.id);
  }
  return { instances: hosts.map((host) => host.instance), rank: new Set(dependants).add(wrapper).size };
}

type Host = ReturnType<InstanceWrapper<unknown>['getExistingInstancesByContextId']>[number];

/** Others are placeholders, whose constructor never ran, and the request, which Nest was given. */
function isMade({ isResolved, isConstructorCalled }: Host): boolean {
  return Boolean(isResolved && isConstructorCalled);
}

/** Instances that live on: those of other contexts, and durable ones of this context. */
function keptBy(wrapper: InstanceWrapper<unknown>, contextId: ContextId): unknown[] {
  return [STATIC_CONTEXT, homeOf(wrapper, contextId)]
    .flatMap((home) => wrapper.getExistingInstancesByContextId(home))
    .map((host) => host.instance);
}

/** The context that Nest keeps an instance in: a parent where it is durable. Its injector asks the same question. */
function homeOf(wrapper: InstanceWrapper, contextId: ContextId): ContextId {
  const isTreeDurable = !wrapper.isTransient && wrapper.isDependencyTreeDurable();
  return contextId.getParent?.({ token: wrapper.token, isTreeDurable }) ?? contextId;
}

/**
 * Sorts instances so that dependants come before their dependencies. A dependency has all dependants of its dependants,
 * and these besides: the more dependants, the later. Members of a cycle have equally many, as each counts itself.
 */
function dependantsFirst(taken: readonly Taken[]): unknown[] {
  const dependantsLast = taken.toSorted((a, b) => b.rank - a.rank).flatMap(({ instances }) => instances);
  // An alias or factory that passes an instance on has it, too, with fewer dependants: those of its maker count.
  return [...new Set(dependantsLast)].toReversed();
}

/** All that Nest makes: providers, enhancers and controllers. */
export function wrappersOf(container: ModulesContainer): InstanceWrapper<unknown>[] {
  const collections = [...container.values()].flatMap((module) => [
    module.providers,
    module.injectables,
    module.controllers,
  ]);
  return collections.flatMap((collection) => Array.from<InstanceWrapper>(collection.values()));
}

function hasHook(instance: unknown): instance is OnModuleDestroy {
  return typeof (instance as Partial<OnModuleDestroy> | null | undefined)?.onModuleDestroy === 'function';
}
