/**
 * What a second run of an operation does: nothing, as the operation only reads (`safe`), or nothing beyond the first run
 * (`idempotent`).
 */
export type Idempotency = 'safe' | 'idempotent';

/** Whether a declaration allows a second run. A value of a later version, or of another kind, does not. */
export function isIdempotent(idempotency: unknown): idempotency is Idempotency {
  return idempotency === 'safe' || idempotency === 'idempotent';
}
