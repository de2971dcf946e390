import { ByteBudget } from '../../bytes/byte.budget.js';
import type { IpcSession } from '../channel/session.js';
import type { ServerSession } from '../dispatcher/server.session.js';
import type { SessionRecord } from './session.record.js';

/** The sessions of a server: those that are open, and those whose calls still run. */
export class SessionRegistry {
  /** In the order in which they began; by their sessions. */
  readonly #open = new Map<IpcSession, SessionRecord>();
  readonly #byId = new Map<string, SessionRecord>();
  /** Sessions that are over, until their calls and hooks have finished. */
  readonly #ending = new Set<Promise<void>>();
  /** Every session has one place until nothing of it is left. */
  readonly #places: ByteBudget<SessionRecord>;
  /** Sessions that are, or were, sessions of this server. */
  readonly #known = new WeakSet();
  /** Connections over a network, until they are gone, without those whose sessions are on other nodes. */
  readonly connections = new Set<object>();

  /** @param limit how many sessions can be open */
  constructor(private readonly limit: number) {
    this.#places = new ByteBudget(limit);
  }

  get open(): SessionRecord[] {
    return [...this.#open.values()];
  }

  get size(): number {
    return this.#open.size;
  }

  /** The session with a connection over a network, on a server for one frontend. */
  get present(): SessionRecord | undefined {
    return this.open.find(({ isRemote, state }) => isRemote && state.kind === 'connected');
  }

  /** Whether a session is, or was, a session of this server. */
  owns(session: object): boolean {
    return this.#known.has(session);
  }

  /** The record of an open session. */
  of(session: IpcSession): SessionRecord {
    return this.#open.get(session)!;
  }

  /** An open session, by its id. */
  byId(id: string): ServerSession | undefined {
    return this.#byId.get(id)?.session;
  }

  /** The record of an open session, by the id of the session. */
  recordOf(id: string): SessionRecord | undefined {
    return this.#byId.get(id);
  }

  /** Adds a session that begins. */
  add(record: SessionRecord): void {
    record.place = this.#places.share(record.session.owner, record);
    record.place.add(1);
    this.#open.set(record.session, record);
    this.#byId.set(record.session.id, record);
    this.#known.add(record.session);
  }

  /** Removes a session that is over. Its place is free when the rest of its work is done. */
  end(record: SessionRecord, rest: Promise<void>): void {
    this.#open.delete(record.session);
    this.#byId.delete(record.session.id);
    const over = rest.then(() => {
      this.#ending.delete(over);
      record.place?.clear();
    });
    this.#ending.add(over);
  }

  /** Resolves when nothing is left of sessions that are over. */
  async ended(): Promise<void> {
    await Promise.all(this.#ending);
  }

  /** Connections, sessions without a connection, and sessions whose calls still run. */
  get #load(): number {
    const away = this.open.filter(({ state }) => state.kind === 'away');
    return this.connections.size + this.#ending.size + away.length;
  }

  /** Whether as many connections and sessions exist as can. */
  get isFull(): boolean {
    return this.#load >= this.limit;
  }

  /** Whether another user has so many more sessions than `owner` that one of them should end to make space. */
  canYield(owner: string): boolean {
    return this.#sessionsAbove(owner).length > 0;
  }

  /** Ends a session of the user with most sessions: one without a connection, or else the newest one. */
  yield(owner: string): void {
    const open = this.#sessionsAbove(owner);
    const record = open.find(({ state }) => state.kind === 'away') ?? open.at(-1);
    record?.link.close(1013, 'Others need a place, and nobody has as many sessions as this user.');
  }

  #sessionsAbove(owner: string): SessionRecord[] {
    return this.#places
      .above(owner)
      .map(({ holder }) => holder)
      .filter(({ session }) => session.isOpen);
  }
}
