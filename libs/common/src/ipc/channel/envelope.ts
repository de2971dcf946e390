/**
 * Reads the result in the envelope of handlers, on either side.
 *
 * @param rebuild makes an error of its members
 * @throws the error of the envelope: rebuilt if it is an object, and as it is otherwise
 */
export function unwrapEnvelope(envelope: unknown, rebuild: (members: object) => unknown): unknown {
  const { result, error } = (envelope ?? {}) as { result?: unknown; error?: unknown };
  if (error === undefined) return result;
  throw typeof error === 'object' && error !== null ? rebuild(error) : error;
}
