import { IpcProtocolError, SessionNotFound } from '../message/message.js';
import type { ClientHello } from '../wire/durable/handshake.js';
import { INTERRUPTED } from '../wire/durable/link.js';
import type { NetworkPeer } from './peer.js';
import type { DurableRecord } from './session.record.js';

/** How sessions of the durable wire outlive their connections. */
export interface ResumptionOptions {
  /** How long a session waits for its frontend, in milliseconds. */
  readonly graceMs: number;
  /** Whether two users, as authorization found them, are the same one. */
  readonly isSameUser: (known: unknown, user: unknown) => boolean;
}

/** Finds the sessions that frontends want to resume. */
export class SessionResumption {
  readonly #byId = new Map<string, DurableRecord>();
  /** By the keys of the frontends that began them. */
  readonly #byKey = new Map<string, DurableRecord>();

  constructor(private readonly isSameUser: ResumptionOptions['isSameUser']) {}

  add(record: DurableRecord): void {
    this.#byId.set(record.session.id, record);
    if (record.key !== undefined) this.#byKey.set(record.key, record);
  }

  /** The session with an id, if it can be resumed. */
  byId(id: string): DurableRecord | undefined {
    return this.#byId.get(id);
  }

  delete(record: DurableRecord): void {
    this.#byId.delete(record.session.id);
    if (record.key !== undefined) this.#byKey.delete(record.key);
  }

  /**
   * Finds the session of a client hello.
   *
   * @returns `undefined` for a key that has begun no session yet
   * @throws IpcProtocolError 4000 if a newer connection has replaced this one, 4001 if the session does not exist
   */
  find(hello: ClientHello, peer: NetworkPeer): DurableRecord | undefined {
    const { sessionId, secret, received } = hello;
    const isKey = sessionId === '';
    const record = isKey ? this.#byKey.get(secret) : this.#byId.get(sessionId);
    if (isKey && !record) return undefined;
    // The user has to be the same one, besides: the secret may be known to somebody whose token was taken away.
    const isOwner =
      record !== undefined &&
      (isKey || record.proof.knows(secret)) &&
      (peer.isUser ? peer.isUser(record.session.user) : this.isSameUser(record.session.user, peer.user));
    if (!isOwner) throw new SessionNotFound();
    if (!record.proof.accept(hello))
      throw new IpcProtocolError(INTERRUPTED, 'A newer connection has taken the place of this one.');
    if (!record.link.canResume(received)) {
      // One of the two is wrong, and will be wrong at the next connection.
      record.link.close(1002, 'The frontend has received what was not sent.');
      throw new SessionNotFound();
    }
    record.session.renew(peer);
    return record;
  }
}
