import {
  EXCEPTION_FILTERS_METADATA,
  GUARDS_METADATA,
  INTERCEPTORS_METADATA,
  PIPES_METADATA,
} from '../internals/nest.exports.js';
import type { InstanceWrapper } from '../internals/nest.exports.js';
import type { CallParams } from './call.params.js';

const kinds = [
  ['guard', GUARDS_METADATA],
  ['interceptor', INTERCEPTORS_METADATA],
  ['pipe', PIPES_METADATA],
  ['exception filter', EXCEPTION_FILTERS_METADATA],
] as const;

/**
 * Refuses a method with enhancers that would never run. Nest makes instances of classes that are bound to a provider's
 * class. For a class from a factory or a value provider it makes none, and silently leaves them out.
 *
 * @throws Error if an enhancer would never run; the message names class and method
 */
export function checkEnhancers(
  { host }: InstanceWrapper,
  instance: object,
  name: string,
  params: CallParams,
): void {
  const where = `${instance.constructor.name}.${name}`;
  const check = (kind: string, bound: unknown) => {
    if (typeof bound !== 'function' || host!.injectables.has(bound)) return;
    throw new Error(
      `${where}: the ${kind} ${bound.name} bound to it would not run. ` +
        'Provide the implementation as a class, or bind an instance.',
    );
  };
  const method = (instance as Record<string, object>)[name]!;
  for (const [kind, key] of kinds) {
    for (const target of [instance.constructor, method]) {
      const bound = (Reflect.getMetadata(key, target) as unknown[] | undefined) ?? [];
      for (const enhancer of bound) check(kind, enhancer);
    }
  }
  for (const { pipes } of params.known) for (const pipe of pipes ?? []) check('pipe', pipe);
}
