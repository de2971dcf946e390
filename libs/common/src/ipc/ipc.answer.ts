import { rebuildError } from '../call/backend.error.js';

/**
 * The result in the envelope of a backend's handler.
 *
 * @throws BackendError for what the handler threw, or a value that is no object as it is
 */
export function unwrapAnswer(envelope: unknown): unknown {
  const { result, error } = (envelope ?? {}) as { result?: unknown; error?: unknown };
  if (error === undefined) return result;
  throw typeof error === 'object' && error !== null ? rebuildError(error) : error;
}
