import type { Type } from '@nestjs/common';
import type { DiscoveryService } from '@nestjs/core';
import type { InstanceWrapper } from '../internals/nest.exports.js';

/** A provider or controller whose class carries metadata of ours. */
export interface DecoratedProvider<T> {
  readonly wrapper: InstanceWrapper;
  readonly metadata: T;
  /** The class that is marked. */
  readonly type: Type;
}

/** Finds the providers and controllers whose class a decorator of ours marks, replaced ones (mocks) included. */
export function findDecorated<T>(discovery: DiscoveryService, key: symbol): DecoratedProvider<T>[] {
  const found: DecoratedProvider<T>[] = [];
  for (const wrapper of [...discovery.getProviders(), ...discovery.getControllers()]) {
    if (wrapper.isAlias) continue;
    const instance = wrapper.instance as object | undefined;
    const classes: unknown[] = [wrapper.metatype, wrapper.token, instance?.constructor];
    const marked = classes.find((type) => typeof type === 'function' && Reflect.hasMetadata(key, type));
    if (marked)
      found.push({ wrapper, metadata: Reflect.getMetadata(key, marked) as T, type: marked as Type });
  }
  return found;
}
