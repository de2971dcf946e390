import type { ForwardReference, InjectionToken } from '@nestjs/common';
import { PROPERTY_DEPS_METADATA } from './nest.exports.js';
import type { InstanceWrapper, Module } from './nest.exports.js';

interface InjectedProperty {
  readonly key: string | symbol;
  readonly type: InjectionToken | ForwardReference | undefined;
}

/**
 * The dependencies of a provider: arguments of its constructor or factory, and injected properties. Nest 12.5.1 has no public
 * list of them.
 */
export function dependenciesOf(wrapper: InstanceWrapper): InstanceWrapper[] {
  // There are holes where something optional is not there.
  const given = (wrapper.getCtorMetadata() ?? []).filter(Boolean);
  return [...given, ...propertiesOf(wrapper)];
}

/** Nest looks for them only when it makes an instance, which it may not have done yet. */
function propertiesOf({ metatype, host }: InstanceWrapper): InstanceWrapper[] {
  if (typeof metatype !== 'function' || !host) return [];
  const properties = (Reflect.getMetadata(PROPERTY_DEPS_METADATA, metatype) ?? []) as InjectedProperty[];
  return properties
    .map(({ type }) => (isForwardReference(type) ? (type.forwardRef() as InjectionToken) : type))
    .map((token) => (token === undefined ? undefined : findIn(host, token)))
    .filter((found) => found !== undefined);
}

function isForwardReference(type: InjectedProperty['type']): type is ForwardReference {
  return typeof type === 'object' && 'forwardRef' in type;
}

/** The provider that a module means by a token: its own, or one that a module exports which it imports. */
function findIn(module: Module, token: InjectionToken): InstanceWrapper | undefined {
  return module.providers.get(token) ?? findAmong(module.imports, token, new Set());
}

function findAmong(
  modules: Iterable<Module>,
  token: InjectionToken,
  seen: Set<Module>,
): InstanceWrapper | undefined {
  for (const module of modules) {
    if (seen.has(module)) continue;
    seen.add(module);
    const { exports, providers, imports } = module;
    const own = exports.has(token) ? providers.get(token) : undefined;
    const passedOn = [...imports].filter(({ metatype }) => exports.has(metatype));
    const found = own ?? findAmong(passedOn, token, seen);
    if (found) return found;
  }
  return undefined;
}
