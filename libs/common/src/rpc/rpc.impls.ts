import { GENERAL_ERROR, IModelError } from '../call/call.error.js';
import type { RpcCall } from './rpc.call.js';
import type { RpcInterfaceDefinition, RpcOperationName } from './rpc.definition.js';
import { operationsOf } from './rpc.definition.js';
import { notImplemented } from './rpc.dispatcher.js';
import type { RpcImplementation } from './rpc.dispatcher.js';

/** What answers a definition: its operations. */
export type RpcImpl<T> = Pick<T, RpcOperationName<T>>;

/** A class of such objects, of which one is made. */
export type RpcImplClass<T extends object = object> = new () => T;

/**
 * Stands around every call of an implementation: refuses it by throwing, looks at what comes of it, or only calls
 * `next`. What it returns is the result.
 */
export type RpcAround = (call: RpcCall, next: () => unknown) => unknown;

/** A definition, and what answers it: an object, or a class with a constructor that takes nothing. */
export type RpcServed<T extends object = object> =
  | readonly [definition: RpcInterfaceDefinition<T>, impl: RpcImpl<T> | RpcImplClass<RpcImpl<T>>]
  | readonly [
      definition: RpcInterfaceDefinition<T>,
      impl: Partial<RpcImpl<T>> | RpcImplClass<Partial<RpcImpl<T>>>,
      /** Calling an operation that is not there is an error; without this it is refused at start. */
      options: { readonly partial: boolean },
    ];

/** An implementation's own method; the definition's, which it may inherit, only forwards to a server. */
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
 * Makes of an object, or of its class, what a dispatcher calls.
 *
 * @throws Error with a sentence, for one that lacks operations
 */
export function implementationOf(
  [definition, impl, options]: RpcServed,
  around: RpcAround,
): RpcImplementation {
  const instance = typeof impl === 'function' ? new (impl as RpcImplClass)() : impl;
  const name = nameOf(instance, definition);
  const missing = operationsOf(definition).filter((operation) => !methodOf(instance, operation, definition));
  if (missing.length > 0 && !options?.partial)
    throw new Error(
      `${name} does not implement ${missing.join(', ')} of RPC interface "${definition.interfaceName}"; ` +
        `serve [${definition.name}, ${name}, { partial: true }] if that is meant.`,
    );
  return callable(definition, name, instance, () => instance, around);
}

function callable(
  definition: RpcInterfaceDefinition,
  name: string,
  shape: object,
  instanceOf: () => object,
  around: RpcAround,
): RpcImplementation {
  return {
    name,
    methodOf: (operation) => methodOf(shape, operation, definition),
    handlerOf: (operation) => (call) =>
      around(call, () => {
        const instance = instanceOf();
        const method = methodOf(instance, operation, definition) ?? notImplemented(name, operation);
        return method.apply(instance, call.arguments);
      }),
  };
}

function nameOf(instance: object, definition: RpcInterfaceDefinition): string {
  const { name } = instance.constructor ?? {};
  return name && name !== 'Object' ? name : `the implementation of ${definition.interfaceName}`;
}

interface Registration {
  readonly implClass?: RpcImplClass | undefined;
  /** What was supplied, or made of the class when it was first called. */
  instance?: object | undefined;
  readonly isSupplied: boolean;
}

/** Implementations by the name of their interface, as `RpcManager` of iTwin.js keeps them: to be had when they are called. */
export class RpcImpls {
  readonly #registrations = new Map<string, Registration>();

  /** Takes a class, of which an object is made at the first call, unless one is supplied. Replaces what was there. */
  register(definition: RpcInterfaceDefinition, implClass: RpcImplClass): void {
    const known = this.#registrations.get(definition.interfaceName);
    const instance = known?.isSupplied ? known.instance : undefined;
    this.#set(definition, { implClass, instance, isSupplied: instance !== undefined });
  }

  /** Takes the object that answers. */
  supply(definition: RpcInterfaceDefinition, instance: object): void {
    const implClass = this.#registrations.get(definition.interfaceName)?.implClass;
    this.#set(definition, { implClass, instance, isSupplied: true });
  }

  /** Forgets class and object. */
  unregister(definition: RpcInterfaceDefinition): void {
    this.#registrations.delete(definition.interfaceName);
  }

  /** What a dispatcher calls: whatever is registered at the time of a call. */
  implementationOf(definition: RpcInterfaceDefinition, around: RpcAround): RpcImplementation {
    const { implClass, instance } = this.#registrations.get(definition.interfaceName) ?? {};
    const shape: object = instance ?? (implClass?.prototype as object | undefined) ?? {};
    const name = implClass?.name ?? nameOf(shape, definition);
    return callable(definition, name, shape, () => this.#instanceOf(definition), around);
  }

  #set(definition: RpcInterfaceDefinition, registration: Registration): void {
    const { implClass, instance } = registration;
    if (implClass && instance && !(instance instanceof implClass))
      throw new Error(
        `What is supplied for RPC interface "${definition.interfaceName}" is no ${implClass.name}, which is registered for it.`,
      );
    this.#registrations.set(definition.interfaceName, registration);
  }

  #instanceOf({ interfaceName }: RpcInterfaceDefinition): object {
    const registration = this.#registrations.get(interfaceName);
    if (!registration)
      throw new IModelError(
        GENERAL_ERROR,
        `An RPC interface implementation class for "${interfaceName}" is not registered.`,
      );
    // One that could not be made is tried again by the next call.
    return (registration.instance ??= new registration.implClass!());
  }
}
