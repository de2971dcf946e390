import { fromWireChannel } from '../channel/channel.js';
import { reporter } from '../../call/call.report.js';
import { observer, sentNotice } from '../../base/observer.js';
import { OpenCalls } from '../../call/open.calls.js';
import type { IpcLimits } from '../../base/limits.js';
import type { IpcClosure } from '../channel/closure.js';
import type { IpcSession } from '../channel/session.js';
import type { IpcServerTransport } from '../message/transport.js';
import { preparePush } from '../message/outgoing.message.js';
import type { OutgoingNotice } from '../message/outgoing.message.js';
import type { IpcPeerEvents } from '../wire/connector.js';
import type { IpcServerWire } from '../wire/wire.js';
import { ChannelRegistry } from '../dispatcher/channel.registry.js';
import { observedEvents, observedTransport } from './observed.transport.js';
import type { LocalPeer, NetworkPeer } from './peer.js';
import type { IpcServerOptions } from './server.options.js';
import type { IpcSessionChange, IpcSessionHooks } from './session.hooks.js';
import { SessionDoor } from './session.door.js';
import { SessionLifecycle } from './session.lifecycle.js';
import type { DurableRecord, SessionRecord } from './session.record.js';
import type { SessionRooms } from '../dispatcher/session.rooms.js';
import type { ServerSession } from '../dispatcher/server.session.js';
import type { AdoptedSession, SessionsElsewhere, StrayConnection } from './sessions.elsewhere.js';

/** Serves IPC sessions over all transports. */
export class IpcServer {
  /** The handlers of channels, and the listeners to all sessions. */
  readonly channels = new ChannelRegistry();
  readonly #lifecycle: SessionLifecycle;
  readonly #door: SessionDoor;
  /** Places that are kept for sessions of other nodes. */
  #reserved = 0;
  #isClosed = false;

  private readonly options: IpcServerOptions;

  constructor(options: IpcServerOptions) {
    const report = options.report && reporter(options.report, 'an IPC server');
    this.options = { ...options, report };
    this.#lifecycle = new SessionLifecycle(this.channels, this.options);
    this.#door = new SessionDoor(this.#lifecycle, this.options, () => this.refusal);
  }

  /** How much a frontend may send and leave waiting. */
  get limits(): IpcLimits {
    return this.options.limits;
  }

  /** The sessions that are open, in the order in which they began. */
  get sessions(): IpcSession[] {
    return this.#lifecycle.registry.open.map(({ session }) => session);
  }

  /** How many sessions are open. */
  get size(): number {
    return this.#lifecycle.registry.size;
  }

  /** @internal Gives the sessions their rooms. */
  useRooms(rooms: SessionRooms): void {
    this.#lifecycle.rooms = rooms;
  }

  /** @internal Finds the sessions of other nodes. */
  useElsewhere(elsewhere: SessionsElsewhere): void {
    this.#lifecycle.elsewhere = elsewhere;
  }

  /**
   * @internal Keeps a place for a session that is about to come from another node, which gives it only once.
   *
   * @returns gives the place back; `undefined` without one
   */
  reserve(): (() => void) | undefined {
    if (this.refusal) return undefined;
    this.#reserved++;
    let isKept = true;
    return () => {
      if (isKept) this.#reserved--;
      isKept = false;
    };
  }

  /** @internal Begins a session of another node here. @throws IpcProtocolError without a place for it */
  adopt(connection: StrayConnection, adopted: AdoptedSession): DurableRecord {
    return this.#door.adopt(connection, adopted);
  }

  /** @internal An open session that can be resumed. */
  findResumable(id: string): DurableRecord | undefined {
    return this.#lifecycle.resumption.byId(id);
  }

  /** @internal An open session. */
  find(id: string): ServerSession | undefined {
    return this.#lifecycle.registry.byId(id);
  }

  /** @internal The session with a connection over a network, on a server for one frontend. */
  get present(): SessionRecord | undefined {
    return this.#lifecycle.registry.present;
  }

  /** @internal The records of all open sessions, in the order in which they began. */
  get records(): SessionRecord[] {
    return this.#lifecycle.registry.open;
  }

  /** @internal The record of an open session. */
  recordOf(id: string): SessionRecord | undefined {
    return this.#lifecycle.registry.recordOf(id);
  }

  /** @internal Whether the service has ended, or is about to end. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The reason why no session can begin; `undefined` if one can. */
  get refusal(): IpcClosure | undefined {
    if (this.#isClosed) return { code: 1001, reason: 'The server is shutting down.', initiator: 'local' };
    if (this.size + this.#reserved < this.limits.sessions) return undefined;
    return { code: 1013, reason: 'The server has as many sessions as it can have.', initiator: 'local' };
  }

  /** @internal Whether a session is, or was, a session of this server. */
  owns(session: object): boolean {
    return this.#lifecycle.registry.owns(session);
  }

  /**
   * Whether a connection over a network can be accepted, if necessary by ending a session of the user with most sessions.
   *
   * @param wire a frontend of the durable wire may have a session already
   * @param owner names the user, if it is known
   */
  hasSpace(wire: IpcServerWire['kind'], owner = ''): boolean {
    return this.#door.hasSpace(wire, owner);
  }

  /**
   * Serves a connection: begins a session, or resumes one.
   *
   * @param wire the wire that both ends speak
   * @param peer the user, as authorization found it, and how the frontend is connected
   * @returns receives the frames of the connection, and its end
   */
  accept(transport: IpcServerTransport, wire: IpcServerWire, peer: LocalPeer | NetworkPeer): IpcPeerEvents {
    const { isObserved = true } = this.options;
    if (!isObserved || !observer?.frame) return this.#door.accept(transport, wire, peer);
    return observedEvents(this.#door.accept(observedTransport(transport), wire, peer));
  }

  /**
   * Calls hooks for the sessions that begin from now on.
   *
   * @returns a function that removes the hooks
   */
  hook(hooks: IpcSessionHooks): () => void {
    this.#lifecycle.hooks.add(hooks);
    return () => this.#lifecycle.hooks.delete(hooks);
  }

  /**
   * Calls a listener whenever a session begins, is interrupted, resumes or ends.
   *
   * @returns a function that removes the listener
   */
  onSession(listener: (change: IpcSessionChange) => unknown): () => void {
    // One listener may be added twice.
    const each = (change: IpcSessionChange) => listener(change);
    this.#lifecycle.listeners.add(each);
    return () => void this.#lifecycle.listeners.delete(each);
  }

  /**
   * Sends a message to every session.
   *
   * @param wireName the channel, by its name on the wire
   * @returns resolves when all frontends keep up, without those whose sessions end meanwhile
   * @throws NumberedError if a value cannot be sent
   */
  send(wireName: string, args: unknown[]): Promise<void> {
    return this.push(preparePush(wireName, args, sentNotice(fromWireChannel(wireName))));
  }

  /** @internal Sends a message to every session; see {@link send}. */
  push(message: OutgoingNotice): Promise<void> {
    // Without a session nothing would encode the values, and an error would stay hidden.
    if (this.size === 0) message.data.encode();
    const { open } = this.#lifecycle.registry;
    const sent = open.map(({ session }) => session.push(message).catch(() => undefined));
    return Promise.all(sent).then(() => undefined);
  }

  /**
   * Ends the service: refuses new calls, waits for running ones, and then ends the sessions.
   *
   * @param timeoutMs how long to wait for calls
   * @returns how many sessions still had running calls
   */
  async close(timeoutMs: number): Promise<number> {
    this.#isClosed = true;
    this.#lifecycle.deadline = performance.now() + timeoutMs;
    const { elsewhere, registry } = this.#lifecycle;
    const movable = registry.open.filter(canMove);
    const leaving = movable.length > 0 ? await elsewhere?.leave(movable, timeoutMs) : undefined;
    const staying = leaving ? registry.open.filter((record) => !canMove(record)) : registry.open;
    const busy = new OpenCalls<SessionRecord>();
    for (const record of staying) {
      const { dispatcher } = record;
      dispatcher.closing = true;
      busy.add(record);
      void dispatcher.idle().then(() => busy.delete(record));
    }
    const [left] = await Promise.all([busy.left(timeoutMs), leaving?.done]);
    for (const { session } of registry.open) session.close(1001, 'The server is shutting down.');
    return left.length;
  }

  /** Resolves when the calls and hooks of all ended sessions have finished or had their time. */
  ended(): Promise<void> {
    return this.#lifecycle.registry.ended();
  }
}

/** Whether another node can go on with a session. */
function canMove(record: SessionRecord): record is DurableRecord {
  return record.kind === 'durable' && record.isRemote && record.isResumable;
}
