import type { BudgetShare } from '../../bytes/byte.budget.js';
import type { SessionWatch } from '../../base/observer.js';
import { later } from '../../base/timer.js';
import type { IpcClosure } from '../channel/closure.js';
import type { IpcServerLink } from '../message/link.js';
import type { IpcServerTransport } from '../message/transport.js';
import type { ServerHello } from '../wire/durable/handshake.js';
import { INTERRUPTED } from '../wire/durable/link.js';
import type { DurableLink } from '../wire/durable/link.js';
import type { IpcCallDispatcher } from '../dispatcher/call.dispatcher.js';
import type { LocalPeer, NetworkPeer } from './peer.js';
import type { ServerSession } from '../dispatcher/server.session.js';
import type { IpcSessionHooks } from './session.hooks.js';
import type { SessionProof } from './session.secret.js';

/** Where a session stands. */
type SessionState =
  /** It has a connection. */
  | { readonly kind: 'connected'; readonly transport: IpcServerTransport }
  /** Its connection is broken, and the frontend may come back. */
  | { readonly kind: 'away' }
  /** It is over. Its calls may still run. */
  | { readonly kind: 'ended'; readonly closure: IpcClosure };

/** The parts of a session, on either wire. */
export interface SessionParts<Link extends IpcServerLink> {
  readonly session: ServerSession;
  readonly link: Link;
  readonly dispatcher: IpcCallDispatcher;
}

/** Everything that a server has of one session. */
export type SessionRecord = ConnectionRecord | DurableRecord;

abstract class BaseRecord<Link extends IpcServerLink> {
  readonly session: ServerSession;
  readonly link: Link;
  readonly dispatcher: IpcCallDispatcher;
  /** The hooks that there were when the session began: they, and no others, learn of its end. */
  hooks: readonly IpcSessionHooks[] = [];
  /** Resolves when the hooks have opened the session, or one of them has failed. */
  opened: Promise<void> = Promise.resolve();
  /** Follows the session for an observer. */
  watch: SessionWatch | undefined;
  /** Its place among all sessions of the server. */
  place: BudgetShare<SessionRecord> | undefined;
  #state: SessionState;
  /** When it began, in milliseconds since the epoch. */
  readonly since = Date.now();
  /** The kind of its first connection, for people; `''` if it is not known. */
  readonly transportName: string;

  /** Whether its connections are over a network. */
  readonly isRemote: boolean;

  constructor(
    { session, link, dispatcher }: SessionParts<Link>,
    transport: IpcServerTransport,
    { reach }: LocalPeer | NetworkPeer,
  ) {
    this.isRemote = reach === 'network';
    this.transportName = transport.name ?? '';
    this.session = session;
    this.link = link;
    this.dispatcher = dispatcher;
    this.#state = { kind: 'connected', transport };
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Whether this is the connection of the session: a newer one may have replaced it. */
  isOn(transport: IpcServerTransport): boolean {
    return this.#state.kind === 'connected' && this.#state.transport === transport;
  }

  /** The session is over. */
  ended(closure: IpcClosure): void {
    this.#state = { kind: 'ended', closure };
    this.watch?.ended(closure.code);
  }

  protected changeTo(state: SessionState): void {
    this.#state = state;
  }
}

/** A session that ends with its connection. */
export class ConnectionRecord extends BaseRecord<IpcServerLink> {
  readonly kind = 'connection';
}

/** A session of the durable wire, whose frontend may come back over another connection. */
export class DurableRecord extends BaseRecord<DurableLink> {
  readonly kind = 'durable';
  #grace: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param key finds the session as long as the frontend has no secret
   * @param graceMs how long it waits for its frontend, in milliseconds; 0: it ends with its connection
   */
  constructor(
    parts: SessionParts<DurableLink>,
    transport: IpcServerTransport,
    peer: LocalPeer | NetworkPeer,
    readonly proof: SessionProof,
    readonly key: string | undefined,
    private readonly graceMs: number,
    /** How often the session has moved. */
    readonly epoch = 0,
  ) {
    super(parts, transport, peer);
  }

  /** The newest connection counts. The one before may be broken without a sign of it. */
  resume(transport: IpcServerTransport): void {
    const { state } = this;
    clearTimeout(this.#grace);
    this.link.detach();
    // The end of a link can wait for the messages that `detach` drops.
    if (!this.#hasEnded()) {
      this.changeTo({ kind: 'connected', transport });
      this.watch?.resumed();
    }
    // A session that has come from another node begins with the connection that resumes it.
    if (state.kind === 'connected' && state.transport !== transport) state.transport.terminate();
  }

  /** The connection ends, and the frontend is to come back to another node. */
  leave(reason: string): void {
    const { state } = this;
    this.park();
    if (state.kind === 'connected') state.transport.close(INTERRUPTED, reason);
  }

  /** Whether it waits for its frontend when its connection is broken. */
  get isResumable(): boolean {
    return this.graceMs > 0;
  }

  /** The members of the server hello by which the frontend resumes the session. */
  get resumption(): Pick<ServerHello, 'secret' | 'graceMs'> {
    return { secret: this.isResumable ? this.proof.secret : '', graceMs: this.graceMs };
  }

  /** The connection is broken, and the session waits for another one. */
  park(): void {
    if (this.state.kind !== 'connected' || !this.isResumable) return;
    this.link.detach();
    // The end of a link can wait for the messages that `detach` drops.
    if (this.#hasEnded()) return;
    this.changeTo({ kind: 'away' });
    this.watch?.interrupted();
    const reason = 'The frontend did not come back in time.';
    this.#grace = later(this.graceMs, () => this.link.ended({ code: 1006, reason, initiator: 'remote' }));
  }

  #hasEnded(): boolean {
    return this.state.kind === 'ended';
  }

  override ended(closure: IpcClosure): void {
    clearTimeout(this.#grace);
    super.ended(closure);
  }
}
