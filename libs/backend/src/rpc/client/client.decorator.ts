import { Inject } from '@nestjs/common';
import type { RpcInterfaceDefinition } from '@linnet/common';

const tokens = new WeakMap<RpcInterfaceDefinition, symbol>();

/**
 * The token under which the client of an interface is provided; tests replace it:
 *
 * ```ts
 * builder.overrideProvider(getRpcClientToken(MapRpcInterface)).useValue({ findWay: async () => [] });
 * ```
 */
export function getRpcClientToken(definition: RpcInterfaceDefinition): symbol {
  let token = tokens.get(definition);
  if (!token) tokens.set(definition, (token = Symbol(`RpcClient of ${definition.interfaceName}`)));
  return token;
}

/**
 * Injects the client of an interface, which `RpcClientModule.forFeature` made.
 *
 * ```ts
 * constructor(@InjectRpcClient(MapRpcInterface) private readonly map: RpcProxy<MapRpcInterface>) {}
 * ```
 */
export function InjectRpcClient(definition: RpcInterfaceDefinition): ParameterDecorator & PropertyDecorator {
  return Inject(getRpcClientToken(definition));
}
