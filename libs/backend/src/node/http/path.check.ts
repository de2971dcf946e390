/** Characters of a pattern for Nest's router. A path of RPC is compared literally. */
const PATTERN = /:[\w$"]|[*{}()[\]?+!\\]/;

/**
 * Refuses a path that would match no request.
 *
 * @param what says it, in words
 * @param remedy in words
 * @throws Error if the path is a pattern
 */
export function checkPath(path: string, what: string, remedy: string): void {
  if (PATTERN.test(path))
    throw new Error(`${what} is "${path}", a pattern, which matches no request: ${remedy}`);
}
