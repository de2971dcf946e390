import { BytePool } from '../../bytes/byte.pool.js';
import { STREAM_WINDOW } from '../../base/limits.js';
import { MAX_TIMER_MS } from '../../base/timer.js';
import type { IpcClosure } from '../channel/closure.js';
import type { IpcServerTransport } from '../message/transport.js';
import { IpcProtocolError, SessionNotFound } from '../message/message.js';
import type { ClientHello } from '../wire/durable/handshake.js';
import { DurableLink, INTERRUPTED } from '../wire/durable/link.js';
import type { IpcPeerEvents } from '../wire/connector.js';
import { durableTextWire } from '../wire/wire.js';
import type { ConnectionWire, DurableWire, IpcServerWire } from '../wire/wire.js';
import { HandshakeSteps } from './handshake.steps.js';
import type { LocalPeer, NetworkPeer } from './peer.js';
import type { IpcServerOptions } from './server.options.js';
import { DurableConnection } from './session.handshake.js';
import type { BegunSession, HandshakeOwner } from './session.handshake.js';
import type { SessionLifecycle } from './session.lifecycle.js';
import { ConnectionRecord, DurableRecord } from './session.record.js';
import { SessionProof } from './session.secret.js';
import type { AdoptedSession, StrayConnection } from './sessions.elsewhere.js';

/** Refuses a second frontend of a dedicated backend. */
export const OCCUPIED = 'This backend has a frontend already, and serves no other.';
const none = (): void => undefined;

/** The one way in: every connection of a server becomes a session here, on either wire. */
export class SessionDoor {
  readonly #handshakes: HandshakeSteps;

  /** @param refusal returns the reason why no session can begin */
  constructor(
    private readonly lifecycle: SessionLifecycle,
    private readonly options: IpcServerOptions,
    private readonly refusal: () => IpcClosure | undefined,
  ) {
    this.#handshakes = new HandshakeSteps(options.limits.upgrades, options.limits.sessions);
  }

  /** See {@link IpcServer.hasSpace}. */
  hasSpace(wire: IpcServerWire['kind'], owner: string): boolean {
    const { registry } = this.lifecycle;
    if (wire === 'durable') return this.#handshakes.hellos.hasSpace(owner);
    return !registry.isFull || registry.canYield(owner);
  }

  /** See {@link IpcServer.accept}. */
  accept(transport: IpcServerTransport, wire: IpcServerWire, peer: LocalPeer | NetworkPeer): IpcPeerEvents {
    const accepted =
      wire.kind === 'connection'
        ? this.#beginConnection(transport, wire, peer)
        : new DurableConnection(this.#owner, wire, transport, peer, this.#handshakes);
    // Connections over a network can outlast their sessions, and count until they are gone.
    if (peer.reach === 'network') this.lifecycle.registry.connections.add(transport);
    return accepted;
  }

  /** Begins the session of a connection that has one of its own. */
  #beginConnection(
    transport: IpcServerTransport,
    wire: ConnectionWire,
    peer: LocalPeer | NetworkPeer,
  ): IpcPeerEvents {
    const { registry } = this.lifecycle;
    const { limits } = this.options;
    if (peer.reach === 'network' && registry.isFull) registry.yield(peer.owner ?? '');
    const refusal = this.refusal();
    const gone = () => registry.connections.delete(transport);
    if (refusal) {
      transport.close(refusal.code, refusal.reason);
      return { frame: none, failed: none, closed: gone };
    }
    const parts = this.lifecycle.partsOf(peer, (events, kept) =>
      wire.openLink(transport, limits, events, kept),
    );
    this.lifecycle.begin(new ConnectionRecord(parts, transport, peer), transport);
    const { link } = parts;
    return {
      frame: (frame) => link.receive(frame),
      failed: (closure) => link.ended(closure),
      closed(closure) {
        gone();
        link.ended(closure);
      },
    };
  }

  readonly #owner: HandshakeOwner = {
    find: (hello, peer) => {
      if (peer.reach === 'network') return this.lifecycle.resumption.find(hello, peer);
      // A local connection is the only one of its session, which cannot be resumed.
      if (hello.sessionId !== '') throw new SessionNotFound();
      return undefined;
    },
    elsewhere: (hello, frame, connection) => {
      const { wire, transport, peer } = connection;
      const { elsewhere, resumption } = this.lifecycle;
      // A connection of another node was passed on by it: the session is here, or nowhere.
      if (!elsewhere || peer.reach !== 'network' || peer.isUser || hello.sessionId === '') return undefined;
      if (wire !== durableTextWire || resumption.byId(hello.sessionId)) return undefined;
      if (!this.#handshakes.searches.hasSpace(peer.owner ?? ''))
        throw new IpcProtocolError(INTERRUPTED, 'Too many sessions are looked for.');
      return elsewhere.find({ hello, frame, transport, peer });
    },
    begin: (wire, transport, peer, hello) => this.#beginDurable(wire, transport, peer, hello),
    failed: (error) => this.lifecycle.report(error),
    gone: (transport) => this.lifecycle.registry.connections.delete(transport),
  };

  /**
   * Begins a session of another node here, for the connection that is to resume it.
   *
   * @throws IpcProtocolError if this server has no place for it
   */
  adopt({ transport, peer }: StrayConnection, adopted: AdoptedSession): DurableRecord {
    const begun = this.#beginDurable(durableTextWire, transport, peer, undefined, adopted);
    if (begun.kind === 'begun') return begun.record;
    throw new IpcProtocolError(INTERRUPTED, begun.closure.reason);
  }

  #beginDurable(
    wire: DurableWire,
    transport: IpcServerTransport,
    peer: LocalPeer | NetworkPeer,
    hello: ClientHello | undefined,
    adopted?: AdoptedSession,
  ): BegunSession {
    const { registry } = this.lifecycle;
    const { limits, heartbeatMs = 30_000, resumption, dedicated } = this.options;
    const isNetwork = peer.reach === 'network';
    if (isNetwork && peer.isUser) throw new SessionNotFound();
    // The upgrade found the place free, but another frontend has sent its client hello meanwhile.
    if (isNetwork && dedicated && registry.present) throw new SessionNotFound(OCCUPIED);
    if (isNetwork && registry.size >= limits.sessions) registry.yield(peer.owner ?? '');
    const refusal = this.refusal();
    if (refusal) return { kind: 'refused', closure: refusal };
    const parts = this.lifecycle.partsOf(
      peer,
      (events, kept) => {
        const interrupted = () => record.park();
        // A reader has a window of items, and about as much is not acknowledged yet.
        const pool = new BytePool(2 * STREAM_WINDOW, kept);
        return new DurableLink(wire.encoding, limits, heartbeatMs, { ...events, interrupted }, kept, pool);
      },
      adopted?.id,
    );
    const graceMs = isNetwork && resumption ? Math.min(resumption.graceMs, MAX_TIMER_MS) : 0;
    const proof = new SessionProof(adopted?.attempt ?? hello?.attempt ?? 0, adopted?.secrets);
    if (adopted) {
      parts.link.restore(adopted);
      parts.session.replyMark = `${adopted.epoch}-`;
      const { closure } = parts.link;
      if (closure) return { kind: 'refused', closure };
    }
    const record = new DurableRecord(parts, transport, peer, proof, hello?.secret, graceMs, adopted?.epoch);
    this.lifecycle.begin(record, transport);
    return { kind: 'begun', record };
  }
}
