import type { InstanceWrapper } from '@nestjs/core/internal';
import semver from 'semver';
import type { RpcInterfaceDefinition } from '@linnet/common';
import { operationsOf } from '@linnet/common/internal';
import type { DecoratedProvider } from '../nest/handler.explorer.js';
import { checkScope } from '../nest/scope.check.js';
import type { RpcImplementationMetadata } from './rpc.decorator.js';

/** @throws Error with a sentence, for a definition that cannot be served */
export function checkDefinition(definition: RpcInterfaceDefinition, implementation: string): void {
  try {
    operationsOf(definition);
  } catch (error) {
    throw new Error(`${implementation}: ${(error as Error).message}`, { cause: error });
  }
  if (semver.valid(definition.interfaceVersion) !== definition.interfaceVersion.replace(/\+.*$/, ''))
    throw new Error(
      `${implementation}: interfaceVersion "${definition.interfaceVersion}" of "${definition.interfaceName}" is no semantic version.`,
    );
}

/** @throws Error with a sentence, for a provider that cannot answer its definition */
export function checkImplementation(
  { wrapper, metadata }: DecoratedProvider<RpcImplementationMetadata>,
  name: string,
): void {
  const { definition, partial } = metadata;
  checkScope(wrapper, name, 'an RPC implementation', 'requests');
  const missing = operationsOf(definition).filter(
    (operation) => !methodOf(wrapper.instance as Record<string, unknown>, operation, definition),
  );
  if (missing.length > 0 && !partial)
    throw new Error(
      `${name} does not implement ${missing.join(', ')} of RPC interface "${definition.interfaceName}"; ` +
        `declare it with @RpcInterface(${definition.name}, { partial: true }) if that is meant.`,
    );
}

/** An implementation's own method; the definition's, which it may inherit, only forwards to a server. */
export function methodOf(
  instance: Record<string, unknown>,
  name: string,
  definition: RpcInterfaceDefinition,
): object | undefined {
  const method = instance[name];
  const declared = (definition.prototype as Record<string, unknown>)[name];
  return typeof method === 'function' && method !== declared ? method : undefined;
}

/** The class's name; the token's for what a factory or a test has put there. */
export function classNameOf({ metatype, name, isNotMetatype }: InstanceWrapper): string {
  return (!isNotMetatype && typeof metatype === 'function' && metatype.name) || String(name);
}
