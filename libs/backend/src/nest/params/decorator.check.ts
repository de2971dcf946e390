import {
  HEADERS_METADATA,
  HOST_METADATA,
  HTTP_CODE_METADATA,
  METHOD_METADATA,
  REDIRECT_METADATA,
  RENDER_METADATA,
  SSE_METADATA,
  VERSION_METADATA,
} from '../internals/nest.exports.js';

const ofMethods = [
  [HTTP_CODE_METADATA, '@HttpCode()'],
  [HEADERS_METADATA, '@Header()'],
  [REDIRECT_METADATA, '@Redirect()'],
  [RENDER_METADATA, '@Render()'],
  [SSE_METADATA, '@Sse()'],
  [VERSION_METADATA, '@Version()'],
] as const;

const ofClasses = [
  [HOST_METADATA, 'the host'],
  [VERSION_METADATA, 'the version'],
] as const;

/**
 * Finds decorators of routes that calls ignore: calls are found by the names of what is called, and
 * answered with what is returned. A method that is a route besides needs them for that.
 *
 * @param names of the methods that can be called
 * @returns sentences that name class and method
 */
export function ignoredDecorators(instance: object, names: readonly string[]): string[] {
  const { constructor: type } = instance;
  const said = ofClasses
    .filter(([key]) => Reflect.getMetadata(key, type) !== undefined)
    .map(
      ([, what]) => `${type.name}: ${what} that its controller declares is for routes, and calls ignore it.`,
    );
  for (const name of names) {
    const method = (instance as Record<string, object | undefined>)[name];
    if (typeof method !== 'function' || Reflect.hasMetadata(METHOD_METADATA, method)) continue;
    for (const [key, what] of ofMethods)
      if (Reflect.hasMetadata(key, method))
        said.push(`${type.name}.${name}: ${what} is for routes, and calls ignore it.`);
  }
  return said;
}
