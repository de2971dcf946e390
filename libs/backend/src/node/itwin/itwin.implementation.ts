import type { RpcImplClass, RpcInterfaceDefinition } from '@linnet/common';
import { IModelError } from '@linnet/common';
import { GENERAL_ERROR, operationsOf } from '@linnet/common/internal';
import { ClientRequestContext } from '../../call/request.context.js';

// Where `RpcManager` of core-common keeps what is registered, whichever copy of the package registers it, and where it
// keeps the call that an implementation is asked for.
const REGISTRY = Symbol.for('@itwin/core-common/RpcRegistry');
const INVOCATION = Symbol.for('@itwin/core-common/RpcInvocation/__current__');

interface ItwinRegistry {
  initializeRpcInterface(definition: RpcInterfaceDefinition): void;
  getImplForInterface(definition: RpcInterfaceDefinition): Record<PropertyKey, unknown>;
}

type Operation = (...args: unknown[]) => unknown;

/**
 * Makes a class whose operations are those of what was registered for a definition with `RpcManager.registerImpl` or
 * `supplyImplInstance` of `@itwin/core-common`, looked up at each call.
 *
 * @throws Error if the definition cannot be served
 */
export function registeredImplementation<T extends object>(
  definition: RpcInterfaceDefinition<T>,
): RpcImplClass<T> {
  // The name is what logs and errors say.
  const name = `${definition.interfaceName}Registered`;
  const type = { [name]: class {} }[name]!;
  for (const operation of operationsOf(definition))
    Object.defineProperty(type.prototype, operation, {
      value: async (...args: unknown[]) => call(definition, operation, args),
    });
  return type as unknown as RpcImplClass<T>;
}

function call(definition: RpcInterfaceDefinition, operation: string, args: unknown[]): unknown {
  const impl = implementationOf(definition);
  const method = impl[operation];
  if (typeof method !== 'function')
    throw new IModelError(
      GENERAL_ERROR,
      `RPC interface class "${impl.constructor.name}" does not implement operation "${operation}".`,
    );
  // For `RpcInvocation.current(this)`, which counts until the method waits for something.
  impl[INVOCATION] = { request: requestOf(operation), operation: { operationName: operation } };
  return (method as Operation).apply(impl, args);
}

function implementationOf(definition: RpcInterfaceDefinition): Record<PropertyKey, unknown> {
  const registry = (globalThis as Record<symbol, unknown>)[REGISTRY] as ItwinRegistry | undefined;
  if (!registry)
    throw new IModelError(
      GENERAL_ERROR,
      `RPC interface "${definition.interfaceName}" has no implementation: @itwin/core-common has not been loaded.`,
    );
  registry.initializeRpcInterface(definition);
  return registry.getImplForInterface(definition);
}

function requestOf(operationName: string): object {
  const activity = ClientRequestContext.current;
  const { activityId, sessionId, applicationId, applicationVersion } = activity;
  return {
    id: activityId,
    sessionId,
    applicationId,
    applicationVersion,
    // The implementation keeps the request, and not the credentials beyond the answer.
    get authorization() {
      return activity.present.accessToken;
    },
    operation: { operationName },
  };
}
