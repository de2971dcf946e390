import type { ApplicationConfig } from '@nestjs/core';
import type { InstanceWrapper } from '../nest/internals/nest.exports.js';
import type { RpcEndpoint } from '@linnet/common';
import { methodOf, operationsOf } from '@linnet/common/internal';
import type { DecoratedProvider } from '../nest/explorer/handler.explorer.js';
import { checkScope } from '../nest/explorer/scope.check.js';
import type { RpcImplementationMetadata } from './rpc.decorator.js';

/** @throws Error if the provider cannot answer its definition */
export function checkImplementation(
  { wrapper, metadata }: DecoratedProvider<RpcImplementationMetadata>,
  name: string,
): void {
  const { definition, partial } = metadata;
  checkScope(wrapper, name, 'an RPC implementation', 'requests');
  const missing = operationsOf(definition).filter(
    (operation) => !methodOf(wrapper.instance as object, operation, definition),
  );
  if (missing.length > 0 && !partial)
    throw new Error(
      `${name} does not implement ${missing.join(', ')} of RPC interface "${definition.interfaceName}"; ` +
        `declare it with @RpcInterface(${definition.name}, { partial: true }) if this is intended.`,
    );
}

/** The class's name; the token's for what a factory or a test has put there. */
export function classNameOf({ metatype, name, isNotMetatype }: InstanceWrapper): string {
  return (!isNotMetatype && typeof metatype === 'function' && metatype.name) || String(name);
}

/** A path of RPC that the application's global prefix leaves out, if there is one. */
export function excludedPath(
  config: ApplicationConfig,
  endpoints: readonly RpcEndpoint[],
): string | undefined {
  const excluded = config.getGlobalPrefixOptions().exclude ?? [];
  const paths = endpoints.flatMap(({ interfaceName, interfaceVersion, operationNames }) =>
    operationNames.map((operation) => `/${interfaceName}-${interfaceVersion}-${operation}`),
  );
  return paths.find((path) => excluded.some(({ pathRegex }) => pathRegex.test(path)));
}
