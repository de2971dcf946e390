import type { RpcImplClass, RpcInterfaceDefinition } from '@linnet/common';
import { RpcInterface } from '../rpc/rpc.decorator.js';
import { registeredImplementation } from '../node/itwin/itwin.implementation.js';

/**
 * Makes a provider that answers a definition by what was registered for it with `RpcManager` of `@itwin/core-common`, for
 * instance by core-backend. Guards, interceptors and filters run around it as around any other implementation.
 *
 * ```ts
 * @Module({ providers: [IModelReadRpcInterface, IModelTileRpcInterface].map(itwinImplementation) })
 * ```
 *
 * @throws Error if the definition cannot be served
 */
export function itwinImplementation<T extends object>(
  definition: RpcInterfaceDefinition<T>,
): RpcImplClass<T> {
  const type = registeredImplementation(definition);
  RpcInterface(definition)(type);
  return type;
}
