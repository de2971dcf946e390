/** Names for errors whose name on the wire is a bare number or a constant. */
const readableNames: ReadonlyMap<string, string> = new Map([
  ['Error (65604)', 'NoContentError'],
  ['Error (65606)', 'NotFoundError'],
  ['Error (65608)', 'AbortedError'],
  ['RpcInterfaceStatus.IncompatibleVersion', 'IncompatibleVersionError'],
]);

/** Errors whose name on the wire differs from the name that this process shows. */
const wireNames = new WeakMap<object, string>();

/**
 * Gives an error its name. A name such as `Error (65606)` is replaced by a readable one, because clients and logs show
 * it; {@link wireNameOf} keeps the original for the wire.
 */
export function nameError(error: Error, wireName: string): void {
  error.name = readableName(wireName);
  if (error.name !== wireName) wireNames.set(error, wireName);
}

/**
 * The name of an error on the wire.
 *
 * @param name the current name of the error, or of a copy; any value that is not the readable name is returned unchanged
 */
export function wireNameOf<T>(error: object, name: T): T | string {
  const wireName = wireNames.get(error);
  return wireName !== undefined && name === readableName(wireName) ? wireName : name;
}

function readableName(wireName: string): string {
  return readableNames.get(wireName) ?? (/^Error \(\d+\)$/.test(wireName) ? 'NumberedError' : wireName);
}
