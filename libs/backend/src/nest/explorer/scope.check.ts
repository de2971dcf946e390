import type { InstanceWrapper } from '@nestjs/core/internal';

/**
 * Refuses a provider that has no instance to look at and none for each context.
 *
 * @param name of its class
 * @param what such a provider is, and what `callers` call it, in words
 * @throws Error with a sentence that names the class
 */
export function checkScope(wrapper: InstanceWrapper, name: string, what: string, callers: string): void {
  if (wrapper.isTransient)
    throw new Error(`${name}: ${what} is called by ${callers}, and cannot have transient scope.`);
  if (!wrapper.instance)
    throw new Error(`${name}: ${what} cannot come from a request-scoped factory; give the class that scope.`);
}
