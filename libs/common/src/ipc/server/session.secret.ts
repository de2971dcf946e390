import type { ClientHello } from '../wire/durable/handshake.js';

/** 64 characters, so that each has six random bits. */
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
/** 132 random bits. */
const SECRET_LENGTH = 22;

/**
 * Checks, at each connection, that a frontend owns a session of the durable wire. One secret is confirmed: the frontend
 * has it. Another one may be pending: it is in every server hello until a frame arrives over a connection that began with
 * it, however many server hellos are lost.
 */
export class SessionProof {
  #confirmed: string | undefined;
  #pending: string | undefined;

  /**
   * @param attempt the number of the connection over which the frontend has begun the session
   * @param older secrets of the node that had the session before, until the frontend has one of this node
   */
  constructor(
    private attempt: number,
    private older: readonly string[] = [],
  ) {}

  /** The secrets that the frontend may have, and the number of its last connection: for the next node. */
  get state(): { readonly secrets: readonly string[]; readonly attempt: number } {
    return { secrets: this.#secrets, attempt: this.attempt };
  }

  /** Changes with the {@link state}. */
  get mark(): string {
    return `${this.#secrets.join()} ${this.attempt}`;
  }

  get #secrets(): string[] {
    return [this.#confirmed, this.#pending, ...this.older].filter((each) => each !== undefined);
  }

  /** Whether a text is a secret of the session. */
  knows(secret: string): boolean {
    return this.#secrets.some((known) => isEqual(known, secret));
  }

  /**
   * Accepts the next connection of the frontend.
   *
   * @returns `false` for an abandoned connection, whose client hello can arrive after that of a newer one
   */
  accept({ sessionId, secret, attempt }: ClientHello): boolean {
    // A frontend that has received a server hello comes with a secret.
    const isLate = sessionId === '' && this.#confirmed !== undefined;
    if (isLate || attempt < this.attempt) return false;
    this.attempt = attempt;
    // A frontend that knows the pending secret has received it.
    if (this.#pending !== undefined && isEqual(this.#pending, secret)) this.confirm();
    return true;
  }

  /** The secret of the next server hello. */
  get secret(): string {
    return (this.#pending ??= newSecret());
  }

  /** The frontend has received the pending secret, which replaces the confirmed one. */
  confirm(): void {
    if (this.#pending === undefined) return;
    this.#confirmed = this.#pending;
    this.#pending = undefined;
    this.older = [];
  }
}

function newSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(SECRET_LENGTH));
  return Array.from(bytes, (byte) => LETTERS[byte & 63]).join('');
}

/** Whether two secrets are equal. Compares in a time that depends on the lengths only, so that a peer cannot guess a secret letter by letter. */
export function isEqual(known: string, given: string): boolean {
  if (known.length !== given.length) return false;
  let difference = 0;
  for (let i = 0; i < known.length; i++) difference |= known.charCodeAt(i) ^ given.charCodeAt(i);
  return difference === 0;
}
