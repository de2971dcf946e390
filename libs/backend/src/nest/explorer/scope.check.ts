import type { InstanceWrapper } from '../internals/nest.exports.js';

/**
 * Refuses a provider that has neither one instance nor an instance for each context.
 *
 * @param name the name of its class
 * @param what the kind of provider, in words; `callers` is who calls it
 * @throws Error if the scope is not possible; the message names the class
 */
export function checkScope(wrapper: InstanceWrapper, name: string, what: string, callers: string): void {
  if (wrapper.isTransient)
    throw new Error(`${name}: ${what} is called by ${callers}, and cannot have transient scope.`);
  if (!wrapper.instance)
    throw new Error(`${name}: ${what} cannot come from a request-scoped factory; give the class that scope.`);
}
