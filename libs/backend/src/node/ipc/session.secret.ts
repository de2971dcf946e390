import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Hello } from '@linnet/common/internal';

/**
 * How a frontend proves, with each connection, that a session of the durable wire is its own. There is one secret that it
 * is known to have, and one more that it may not have got yet: it is welcomed with that until something comes over a
 * connection that was welcomed with it, however many welcomes are lost on their way.
 */
export class SessionProof {
  #confirmed: string | undefined;
  #pending: string | undefined;

  /** @param attempt the number of the connection by which the frontend has begun the session */
  constructor(private attempt: number) {}

  /** Whether it is a secret of the session. */
  knows(secret: string): boolean {
    return [this.#confirmed, this.#pending].some((known) => known !== undefined && isEqual(known, secret));
  }

  /**
   * Takes the next connection from the frontend.
   *
   * @returns whether it is one: the greeting of a connection that was given up may arrive behind that of a newer one
   */
  take({ sessionId, secret, attempt }: Hello): boolean {
    // A frontend that was welcomed comes with a secret.
    const isLate = sessionId === '' && this.#confirmed !== undefined;
    if (isLate || attempt < this.attempt) return false;
    this.attempt = attempt;
    // A frontend that knows the pending secret has received it.
    if (this.#pending !== undefined && isEqual(this.#pending, secret)) this.confirm();
    return true;
  }

  /** The secret to welcome the frontend with. */
  get secret(): string {
    return (this.#pending ??= randomBytes(16).toString('base64url'));
  }

  /** The frontend has the secret of its last welcome, and the one before is worth nothing. */
  confirm(): void {
    if (this.#pending === undefined) return;
    this.#confirmed = this.#pending;
    this.#pending = undefined;
  }
}

function isEqual(a: string, b: string): boolean {
  // In bytes: letters of the same number may have another length.
  const [known, given] = [Buffer.from(a), Buffer.from(b)];
  return known.length === given.length && timingSafeEqual(known, given);
}
