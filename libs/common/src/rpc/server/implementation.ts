import type { RpcCall } from './call.js';
import type { RpcInterfaceDefinition, RpcOperationName } from '../definition/definition.js';
import { operationsOf } from '../definition/definition.js';
import { afterCheck } from '../../call/call.checks.js';
import { notImplemented } from './dispatcher.js';
import type { RpcImplementation } from './dispatcher.js';

/** The operations of a definition, as methods of an implementation. */
export type RpcImpl<T> = Pick<T, RpcOperationName<T>>;

/** The class of an implementation. One instance is created. */
export type RpcImplClass<T extends object = object> = new () => T;

/**
 * Runs around every call of an implementation. It may reject the call by throwing, look at the result, or only call
 * `next`. Its return value is the result of the call.
 */
export type RpcAround = (call: RpcCall, next: () => unknown) => unknown;

/** A definition and its implementation: an object, or a class whose constructor has no parameters. */
export type RpcImplementationEntry<T extends object = object> =
  | readonly [definition: RpcInterfaceDefinition<T>, impl: RpcImpl<T> | RpcImplClass<RpcImpl<T>>]
  | readonly [
      definition: RpcInterfaceDefinition<T>,
      impl: Partial<RpcImpl<T>> | RpcImplClass<Partial<RpcImpl<T>>>,
      /** Allows missing operations, which are then errors when they are called. Default: refused at start. */
      options: { readonly partial: boolean },
    ];

/** The method of an implementation; `undefined` for an inherited method of the definition, which only forwards. */
export function methodOf(
  instance: object,
  operation: string,
  definition: RpcInterfaceDefinition,
): ((...args: unknown[]) => unknown) | undefined {
  const method = (instance as Record<string, unknown>)[operation];
  const declared = (definition.prototype as Record<string, unknown>)[operation];
  return typeof method === 'function' && method !== declared ? (method as () => unknown) : undefined;
}

/**
 * Makes an implementation for the dispatcher from an object, or from a class.
 *
 * @throws Error if operations are missing
 */
export function implementationOf(
  [definition, impl, options]: RpcImplementationEntry,
  around: RpcAround,
): RpcImplementation {
  const instance = typeof impl === 'function' ? new (impl as RpcImplClass)() : impl;
  const name = nameOf(instance, definition);
  const missing = operationsOf(definition).filter((operation) => !methodOf(instance, operation, definition));
  if (missing.length > 0 && !options?.partial)
    throw new Error(
      `${name} does not implement ${missing.join(', ')} of RPC interface "${definition.interfaceName}"; ` +
        `serve [${definition.name}, ${name}, { partial: true }] if this is intended.`,
    );
  return callable(definition, name, instance, () => instance, around);
}

/**
 * An implementation for the dispatcher. It calls the instance that `instanceOf` returns at the time of the call; `shape`
 * shows which methods exist.
 */
export function callable(
  definition: RpcInterfaceDefinition,
  name: string,
  shape: object,
  instanceOf: () => object,
  around: RpcAround,
): RpcImplementation {
  return {
    name,
    methodOf: (operation) => methodOf(shape, operation, definition),
    checksArguments: true,
    handlerOf: (operation, _policy, check, once) => (call) =>
      around(call, () => {
        const instance = instanceOf();
        const method = methodOf(instance, operation, definition) ?? notImplemented(name, operation);
        const run = () => afterCheck(check, call.arguments, () => method.apply(instance, call.arguments));
        return once ? once.enter(call).then(run) : run();
      }),
  };
}

/** The name of an implementation in messages. */
export function nameOf(instance: object, definition: RpcInterfaceDefinition): string {
  const { name } = instance.constructor ?? {};
  return name && name !== 'Object' ? name : `the implementation of ${definition.interfaceName}`;
}
