import type { IpcClosure } from '../channel/closure.js';
import type { IpcServerTransport } from '../message/transport.js';
import { IpcProtocolError, SessionNotFound } from '../message/message.js';
import type { IpcFrame } from '../message/message.js';
import {
  handshakeLimits,
  readClientHello,
  writeServerHello,
  writeSessionNotFound,
} from '../wire/durable/handshake.js';
import type { ClientHello } from '../wire/durable/handshake.js';
import { INTERRUPTED } from '../wire/durable/link.js';
import type { IpcPeerEvents } from '../wire/connector.js';
import type { DurableWire } from '../wire/wire.js';
import type { HandshakeSteps, PendingHandshakes } from './handshake.steps.js';
import type { LocalPeer, NetworkPeer } from './peer.js';
import type { DurableRecord } from './session.record.js';
import type { FoundSession } from './sessions.elsewhere.js';

/** A session that has begun, or the reason why none can begin. */
export type BegunSession =
  | { readonly kind: 'begun'; readonly record: DurableRecord }
  | { readonly kind: 'refused'; readonly closure: IpcClosure };

/** A connection of the durable wire. */
interface Connection {
  readonly wire: DurableWire;
  readonly transport: IpcServerTransport;
  readonly peer: LocalPeer | NetworkPeer;
}

/** Finds and begins the sessions of client hellos. */
export interface HandshakeOwner {
  /**
   * Finds a session to resume; `undefined` if the hello asks for a new one.
   *
   * @throws IpcProtocolError if the session does not exist, or a newer connection has it
   */
  find(hello: ClientHello, peer: LocalPeer | NetworkPeer): DurableRecord | undefined;
  /** Finds the session of a connection on other nodes; `undefined` if it can only be here. Rejects as {@link find} throws. */
  elsewhere(hello: ClientHello, frame: IpcFrame, connection: Connection): Promise<FoundSession> | undefined;
  /** Begins a session. @throws SessionNotFound if another frontend has the only place */
  begin(
    wire: DurableWire,
    transport: IpcServerTransport,
    peer: LocalPeer | NetworkPeer,
    hello: ClientHello | undefined,
  ): BegunSession;
  /** Reports a fault of this end. */
  failed(error: unknown): void;
  /** A connection is over, or belongs to another node from now on. */
  gone(transport: IpcServerTransport): void;
}

/** Where a connection of the durable wire stands. */
type ConnectionState =
  /** The client hello has not arrived yet. */
  | { readonly kind: 'new'; readonly leave: () => void }
  /** The session is looked for on other nodes. */
  | { readonly kind: 'looking'; readonly leave: () => void }
  /** The session is on another node. */
  | { readonly kind: 'relayed'; readonly events: IpcPeerEvents }
  /** The session is found, and its hooks run. */
  | { readonly kind: 'opening'; readonly record: DurableRecord }
  /** The server hello is sent. */
  | { readonly kind: 'open'; readonly record: DurableRecord }
  | { readonly kind: 'over' };

/** One connection of the durable wire: the handshake, and then the frames of its session. */
export class DurableConnection implements IpcPeerEvents, Connection {
  #state: ConnectionState;

  constructor(
    private readonly owner: HandshakeOwner,
    readonly wire: DurableWire,
    readonly transport: IpcServerTransport,
    readonly peer: LocalPeer | NetworkPeer,
    private readonly steps: HandshakeSteps,
  ) {
    this.#state = { kind: 'new', leave: this.#enter(steps.hellos) };
  }

  /** @returns a function that leaves the step */
  #enter(step: PendingHandshakes): () => void {
    // The frontend of a local connection may take its time.
    if (this.peer.reach !== 'network') return () => undefined;
    return step.add(this.peer.owner ?? '', (code, reason) => this.#refuse(code, reason));
  }

  frame(frame: IpcFrame): void {
    const state = this.#state;
    if (state.kind === 'open') {
      // Frames of a replaced connection may still arrive.
      if (!state.record.isOn(this.transport)) return;
      state.record.proof.confirm();
      state.record.link.receive(frame);
    } else if (state.kind === 'new') this.#hello(frame, state.leave);
    else if (state.kind === 'relayed') state.events.frame(frame);
    else if (state.kind === 'looking') this.#refuse(1002, 'A message before the server hello.');
    else if (state.kind === 'opening' && state.record.isOn(this.transport)) {
      state.record.link.close(1002, 'A message before the server hello.');
      this.#refuse(1002, 'A message before the server hello.');
    }
  }

  failed(closure: IpcClosure): void {
    // Below 1008, as for a damaged frame, the session can go on over another connection. A frame that is too big would fail there too.
    if (closure.code >= 1008) this.#current()?.link.ended(closure);
    if (this.#state.kind === 'relayed') this.#state.events.failed(closure);
  }

  closed(closure: IpcClosure): void {
    const record = this.#current();
    if (this.#state.kind === 'relayed') this.#state.events.closed(closure);
    this.#leave();
    this.owner.gone(this.transport);
    if (record?.isResumable && !isFinal(closure.code)) record.park();
    else record?.link.ended(closure);
  }

  #hello(frame: IpcFrame, leave: () => void): void {
    try {
      if (frame instanceof Uint8Array)
        throw new IpcProtocolError(1002, 'A connection begins with a client hello.');
      const hello = readClientHello(this.wire.encoding.parse(frame, handshakeLimits).list);
      const found = hello && this.owner.elsewhere(hello, frame, this);
      leave();
      if (found) {
        this.#state = { kind: 'looking', leave: this.#enter(this.steps.searches) };
        void this.#look(hello, found);
      } else this.#accept(hello);
    } catch (error) {
      leave();
      this.#refuseFor(error);
    }
  }

  /** Waits for another node. Never rejects. */
  async #look(hello: ClientHello, found: Promise<FoundSession>): Promise<void> {
    const { transport } = this;
    transport.pause?.();
    try {
      const session = await found;
      if (this.#state.kind !== 'looking') {
        const closure = { code: INTERRUPTED, reason: 'The connection is over.', initiator: 'local' } as const;
        if (session.kind === 'relayed') session.events.closed(closure);
        // It may be on a newer connection by now.
        else if (session.record?.isOn(transport)) session.record.park();
        return;
      }
      this.#state.leave();
      if (session.kind === 'relayed') {
        this.#state = session;
        // It has a place among the relays, and needs none among the sessions of this node.
        this.owner.gone(transport);
      } else this.#accept(hello);
    } catch (error) {
      if (this.#state.kind === 'looking') this.#refuseFor(error);
    } finally {
      transport.resume?.();
    }
  }

  /** @throws IpcProtocolError if the session does not exist, or cannot begin */
  #accept(hello: ClientHello | undefined): void {
    const known = hello && this.owner.find(hello, this.peer);
    if (!known) {
      this.#begin(hello);
      return;
    }
    known.resume(this.transport);
    this.#open(known, hello.received);
  }

  #refuseFor(error: unknown): void {
    if (!(error instanceof IpcProtocolError)) {
      this.#fail(error);
      return;
    }
    if (error instanceof SessionNotFound)
      this.transport.write(this.wire.encoding.list(writeSessionNotFound(error.message)));
    this.#refuse(error.code, error.message);
  }

  #begin(hello: ClientHello | undefined): void {
    const { transport } = this;
    const begun = this.owner.begin(this.wire, transport, this.peer, hello);
    if (begun.kind === 'begun') this.#open(begun.record, 0);
    else this.#refuse(begun.closure.code, begun.closure.reason);
  }

  /** Sends the server hello when the hooks have opened the session. */
  #open(record: DurableRecord, received: number): void {
    this.#state = { kind: 'opening', record };
    // Another node that goes on with the session has to know the secret of this server hello.
    const { secret } = record.resumption;
    const settled = secret === '' ? undefined : record.link.whenWritten();
    (settled ? Promise.all([record.opened, settled]) : record.opened)
      .then(() => {
        // The connection may be over, or a newer one may have replaced it.
        if (this.#state.kind !== 'opening') return;
        const { closure } = record.link;
        if (closure) this.#refuse(closure.code, closure.reason);
        else if (record.isOn(this.transport)) this.#sayHello(record, received);
      })
      .catch((error: unknown) => this.#fail(error));
  }

  #sayHello(record: DurableRecord, received: number): void {
    const { link, session } = record;
    const { isNative } = this.peer;
    const hello = { sessionId: session.id, ...record.resumption, received: link.received, isNative };
    this.#state = { kind: 'open', record };
    this.transport.write(this.wire.encoding.list(writeServerHello(hello)));
    try {
      link.attach(this.transport, received);
    } catch (error) {
      // The frontend claims to have received messages that were not sent.
      link.close(1002, (error as Error).message);
    }
  }

  /** Ends the connection, and the session on it, for a fault of this end: a transport may throw. */
  #fail(error: unknown): void {
    this.owner.failed(error);
    this.#current()?.link.close(1011, 'Internal error');
    this.#refuse(1011, 'Internal error');
  }

  /** The session, if this is its connection. */
  #current(): DurableRecord | undefined {
    const state = this.#state;
    if (state.kind !== 'opening' && state.kind !== 'open') return undefined;
    return state.record.isOn(this.transport) ? state.record : undefined;
  }

  #refuse(code: number, reason: string): void {
    this.#leave();
    this.transport.close(code, reason);
  }

  #leave(): void {
    if (this.#state.kind === 'new' || this.#state.kind === 'looking') this.#state.leave();
    this.#state = { kind: 'over' };
  }
}

/** Whether a frontend has closed for good: it is done, its page was left, or it found a fault. */
function isFinal(code: number): boolean {
  return code === 1000 || code === 1001 || (code >= 3000 && code !== INTERRUPTED);
}
