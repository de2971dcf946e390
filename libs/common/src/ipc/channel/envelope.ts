/**
 * The result in the envelope that handlers of either side answer with.
 *
 * @param rebuild makes of an error's members what is thrown
 * @throws what was rebuilt, or an error that is no object as it is
 */
export function unwrapEnvelope(envelope: unknown, rebuild: (members: object) => unknown): unknown {
  const { result, error } = (envelope ?? {}) as { result?: unknown; error?: unknown };
  if (error === undefined) return result;
  throw typeof error === 'object' && error !== null ? rebuild(error) : error;
}
