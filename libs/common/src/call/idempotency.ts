/**
 * The effect of a second run of an operation: none, as the operation only reads (`safe`), or none beyond the
 * first run (`idempotent`).
 */
export type Idempotency = 'safe' | 'idempotent';

/** Whether a declaration allows a second run. A value of a later version, or of another kind, does not. */
export function isIdempotent(idempotency: unknown): idempotency is Idempotency {
  return idempotency === 'safe' || idempotency === 'idempotent';
}
