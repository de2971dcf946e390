import type { CallWatch } from '../../base/observer.js';

/** Tells the observer of a call how it has ended, by the envelope of its answer. @returns the envelope */
export function endByEnvelope(envelope: unknown, watch: CallWatch): unknown {
  const { error } = Object(envelope) as { readonly error?: unknown };
  watch.end(error === undefined ? { kind: 'result' } : { kind: 'error', error });
  return envelope;
}

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
