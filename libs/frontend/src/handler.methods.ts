/**
 * Finds a method of a handler that a backend may call: a method of its own classes, or a field with an arrow function.
 * Members that every object has, accessors and classes do not count.
 *
 * @param base the prototype of the library's class, which ends the search
 * @returns the method, bound to the handler; `undefined` if the handler has no method of this name
 */
export function methodOf(
  handler: object,
  base: object,
  name: unknown,
): ((...args: unknown[]) => unknown) | undefined {
  if (typeof name !== 'string' || name === 'constructor') return undefined;
  const field = Object.getOwnPropertyDescriptor(handler, name)?.value as unknown;
  if (typeof field === 'function' && !Object.hasOwn(field, 'prototype')) return field.bind(handler) as never;
  let level = Object.getPrototypeOf(handler) as object | null;
  while (level && level !== base && !Object.hasOwn(level, name))
    level = Object.getPrototypeOf(level) as object | null;
  const method: unknown = level && level !== base && Object.getOwnPropertyDescriptor(level, name)!.value;
  return typeof method === 'function' ? (method.bind(handler) as () => unknown) : undefined;
}
