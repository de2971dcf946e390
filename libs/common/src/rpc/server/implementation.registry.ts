import { GENERAL_ERROR, IModelError } from '../../error/imodel.error.js';
import type { RpcInterfaceDefinition } from '../definition/definition.js';
import type { RpcImplementation } from './dispatcher.js';
import { callable, nameOf } from './implementation.js';
import type { RpcAround, RpcImplClass } from './implementation.js';

interface Registration {
  readonly implClass?: RpcImplClass | undefined;
  /** The supplied instance, or the one made of the class at the first call. */
  instance?: object | undefined;
  readonly isSupplied: boolean;
}

/** Implementations by the name of their interface, like those of `RpcManager` in iTwin.js. They are looked up at each call. */
export class ImplementationRegistry {
  readonly #registrations = new Map<string, Registration>();

  /** Registers a class, or replaces it. The first call creates an instance, unless one is supplied. */
  register(definition: RpcInterfaceDefinition, implClass: RpcImplClass): void {
    const known = this.#registrations.get(definition.interfaceName);
    const instance = known?.isSupplied ? known.instance : undefined;
    this.#set(definition, { implClass, instance, isSupplied: instance !== undefined });
  }

  /** Supplies the instance that answers. */
  supply(definition: RpcInterfaceDefinition, instance: object): void {
    const implClass = this.#registrations.get(definition.interfaceName)?.implClass;
    this.#set(definition, { implClass, instance, isSupplied: true });
  }

  /** Removes class and instance. */
  unregister(definition: RpcInterfaceDefinition): void {
    this.#registrations.delete(definition.interfaceName);
  }

  /** An implementation for the dispatcher, which uses the registration at the time of each call. */
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
        `The instance for RPC interface "${definition.interfaceName}" is not a ${implClass.name}, which is registered for it.`,
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
    // If the constructor throws, the next call tries again.
    return (registration.instance ??= new registration.implClass!());
  }
}
