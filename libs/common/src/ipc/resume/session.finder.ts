import { IpcMessageType, IpcProtocolError, SessionNotFound } from '../message/message.js';
import { answerUnknown } from '../dispatcher/unanswered.calls.js';
import type { IpcClosure } from '../channel/closure.js';
import type { DurableRecord } from '../server/session.record.js';
import type { AdoptedSession, FoundSession, StrayConnection } from '../server/sessions.elsewhere.js';
import { isEqual } from '../server/session.secret.js';
import { INTERRUPTED } from '../wire/durable/link.js';
import type { OpenRelay } from './relay.head.js';
import type { RelayFailure, Relays } from './relays.js';
import type { SessionCopies } from '../replica/session.copies.js';
import type { SessionState } from '../replica/session.state.js';
import type { SessionTaker } from './session.taker.js';
import type { SessionTopics } from '../replica/session.topics.js';

/** Knows the nodes of sessions. */
export interface SessionDirectory {
  /** The id of this node. */
  readonly id: string;
  /** Finds the node of a session; `undefined` without one. Rejects if the backplane cannot be reached. */
  ownerOf(session: string): Promise<string | undefined>;
  /** Whether a node is connected to the backplane, or may be. */
  lives(node: string): Promise<boolean>;
  /** Whether the backplane knows all sessions: not at once after it has lost its memory. */
  readonly isComplete: boolean;
}

/** This server, as sessions come to it. */
export interface SessionPlace {
  /** The reason why no session can begin. */
  readonly refusal: IpcClosure | undefined;
  /** Whether the server has ended, or is about to end. */
  readonly isClosed: boolean;
  /** A session of this server. */
  findResumable(session: string): DurableRecord | undefined;
  /** Keeps a place for a session. @returns gives it back; `undefined` without one */
  reserve(): (() => void) | undefined;
  /** Begins a session of another node. @throws IpcProtocolError without a place for it */
  adopt(connection: StrayConnection, adopted: AdoptedSession): DurableRecord;
}

/** A node that is gone for so long does not come back, in milliseconds: it tries to reach the backplane twice a second. */
const GONE_MS = 1_200;
const FORGET_MS = 60_000;
/** How often a session is tried that several nodes want. */
const ATTEMPTS = 3;

/** Finds the sessions of other nodes, for frontends that come back to this one. */
export class SessionFinder {
  /** Nodes that are gone, and since when. */
  readonly #gone = new Map<string, number>();
  /** Sessions that are about to come here. */
  readonly #coming = new Map<string, Promise<FoundSession>>();

  constructor(
    private readonly directory: SessionDirectory,
    private readonly relays: Relays,
    private readonly taker: SessionTaker,
    private readonly topics: SessionTopics,
    private readonly place: SessionPlace,
    private readonly keyOf: (user: unknown) => string | null,
    private readonly copies: SessionCopies | undefined,
  ) {}

  async find(connection: StrayConnection): Promise<FoundSession> {
    const { sessionId } = connection.hello;
    if (await this.#hasCome(sessionId)) return { kind: 'here' };
    const node = await this.directory.ownerOf(sessionId).catch(() => {
      throw again('The other nodes cannot be reached.');
    });
    if (node === undefined || node === this.directory.id)
      return this.#come(connection, () => this.#restore(connection));
    const found = await this.#relay(connection, node);
    if (found !== 'gone') this.#gone.delete(node);
    if (typeof found === 'object') return found;
    // `full`: no more relays, but the node may be leaving. Then it gives the session; otherwise it refuses.
    if (found === 'leaving' || found === 'full')
      return this.#come(connection, () => this.#take(node, connection));
    const isSilent = found === 'silent' && this.copies !== undefined;
    if (found === 'gone' && !this.copies) await this.#untilLongGone(node);
    if (found === 'absent' || found === 'gone' || isSilent)
      return this.#come(connection, () => this.#restore(connection, node));
    throw again(`The node of the session does not accept the connection: ${found}.`);
  }

  /**
   * Waits until the node has been gone for {@link GONE_MS}. It may only be reconnecting, and without copies its sessions would be given
   * up for good.
   *
   * @throws IpcProtocolError if it lives
   */
  async #untilLongGone(node: string): Promise<void> {
    const now = performance.now();
    for (const [id, since] of this.#gone) if (now - since > FORGET_MS) this.#gone.delete(id);
    const since = this.#gone.get(node) ?? now;
    this.#gone.set(node, since);
    await new Promise((resolve) => setTimeout(resolve, since + GONE_MS - now));
    if (!(await this.directory.lives(node).catch(() => true))) return;
    this.#gone.delete(node);
    throw again('The node of the session is away.');
  }

  async #relay(connection: StrayConnection, node: string): Promise<FoundSession | RelayFailure> {
    const { hello, transport } = connection;
    const relay = await this.relays.open(node, hello.sessionId, transport, this.#describe(connection));
    return typeof relay === 'object' ? { kind: 'relayed', events: relay } : relay;
  }

  /**
   * Waits for connections that came before. Their failure says nothing about this one: they may have come too early, or with a
   * wrong secret.
   *
   * @returns whether the session has come here with one of them
   */
  async #hasCome(sessionId: string): Promise<boolean> {
    for (let coming; (coming = this.#coming.get(sessionId));) {
      const found = await coming.catch(() => undefined);
      if (found?.kind === 'here') return true;
    }
    return false;
  }

  /** The session comes here: further connections wait for it. */
  async #come({ hello }: StrayConnection, work: () => Promise<FoundSession>): Promise<FoundSession> {
    const { sessionId } = hello;
    // Checked and taken in one turn: several connections may have waited.
    while (this.#coming.has(sessionId)) if (await this.#hasCome(sessionId)) return { kind: 'here' };
    // It may have come while this connection looked for it.
    if (this.place.findResumable(sessionId)) return { kind: 'here' };
    const coming = work();
    this.#coming.set(sessionId, coming);
    try {
      return await coming;
    } finally {
      this.#coming.delete(sessionId);
    }
  }

  /**
   * Goes on with the copy of a session whose node is dead.
   *
   * @param dead the node that does not answer
   */
  async #restore(connection: StrayConnection, dead?: string): Promise<FoundSession> {
    if (!this.copies) return this.#lost();
    const { sessionId } = connection.hello;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const { last, state } = await this.copies.read(sessionId).catch(() => {
        throw again('The copy of the session cannot be read.');
      });
      if (state?.id !== sessionId) return this.#lost();
      this.#check(connection, state);
      if (state.node !== dead && state.node !== this.directory.id) {
        // Another node has taken it over.
        const found = await this.#relay(connection, state.node);
        if (typeof found === 'object') return found;
        if (found === 'absent') return this.#lost();
        if (found !== 'gone' && found !== 'silent') throw again('The session is on its way.');
      }
      // A node that lives may not have come back yet.
      if (!this.directory.isComplete) throw again('The other nodes are not known yet.');
      const adopted = await this.#withPlace((place) => this.#claim(connection, state, last, place));
      if (adopted) return adopted;
    }
    throw again('Several nodes want the session.');
  }

  /**
   * Keeps a place before the session is asked for, because a node gives it only once, and a copy is claimed only once.
   *
   * @param work gets a function that gives the place back
   */
  async #withPlace<T>(work: (free: () => void) => Promise<T>): Promise<T> {
    const free = this.place.reserve();
    if (!free) throw again(this.place.refusal?.reason ?? '');
    try {
      return await work(free);
    } finally {
      free();
    }
  }

  /** Takes a session over, unless another node was faster. */
  async #claim(
    connection: StrayConnection,
    state: SessionState,
    last: number,
    free: () => void,
  ): Promise<FoundSession | undefined> {
    const own = this.copies!.stateToClaim(state);
    const names = state.topics.map(({ name }) => name);
    if (!this.topics.hasSpace(names)) throw again('A room of the session is full here.');
    try {
      if (!(await this.copies!.claim(own, last, state.node))) return undefined;
      if (!(await this.topics.arrive(state.id, names))) throw again('The session is on its way.');
    } catch (error) {
      throw error instanceof IpcProtocolError ? error : again('The backplane cannot be reached.');
    }
    const missed = await this.copies!.missed(state).catch((error: unknown) => {
      this.topics.cancel(state.id, names);
      // Notifications are lost: a session that misses some in silence is worse than none.
      if (this.copies!.isAbsent(error)) return this.#lost();
      throw again('The backplane cannot be reached.');
    });
    return this.#adopt(connection, own, missed, free);
  }

  /** @throws IpcProtocolError if the copy is not that of the frontend, or older than what it has */
  #check({ hello, peer }: StrayConnection, state: SessionState): void {
    const { secrets, user, attempt, released, kept } = state;
    const isOwner = secrets.some((secret) => isEqual(secret, hello.secret)) && user === this.keyOf(peer.user);
    const isKnown = hello.received >= released && hello.received <= released + kept.length;
    if (!isOwner || !isKnown) throw new SessionNotFound();
    if (hello.attempt < attempt) throw again('A newer connection has taken the place of this one.');
  }

  /** Takes the session from a node that is about to end. */
  async #take(node: string, connection: StrayConnection): Promise<FoundSession> {
    const { hello, peer } = connection;
    const { sessionId, secret, attempt, received } = hello;
    const user = this.keyOf(peer.user);
    return this.#withPlace(async (free) => {
      const state = await this.taker
        .take(node, sessionId, { secret, user, attempt, received }, () => !this.place.isClosed)
        .catch((error: unknown) => {
          if (error instanceof SessionNotFound) throw error;
        });
      if (!state) throw again('The node of the session does not give it yet.');
      await this.copies?.prepare(sessionId);
      return this.#adopt(connection, state, [], free);
    });
  }

  #adopt(
    connection: StrayConnection,
    state: SessionState,
    missed: Parameters<SessionTopics['settle']>[3],
    free: () => void,
  ): FoundSession {
    free();
    const { topics, positions, calls, waiting } = state;
    const names = topics.map(({ name }) => name);
    let record: DurableRecord | undefined;
    try {
      record = this.place.adopt(connection, state);
      answerUnknown(record.link, calls);
      for (const { channel, data } of waiting)
        record.dispatcher.receive({ type: IpcMessageType.Send, channel, data, refusal: undefined });
      if (this.topics.settle(record.session, topics, positions, missed)) return { kind: 'here', record };
      throw new SessionNotFound('More has waited for the session than there is space for.');
    } catch (error) {
      // For instance a room is full: a session that lacks a part of its state is worse than none.
      record?.link.close(1011, 'The session could not go on here.');
      throw error;
    } finally {
      this.topics.cancel(state.id, names);
    }
  }

  #lost(): never {
    if (!this.directory.isComplete) throw again('The other nodes are not known yet.');
    throw new SessionNotFound();
  }

  #describe({ frame, peer }: StrayConnection): OpenRelay {
    const { owner = null, ip = null, accessToken = '', isNative } = peer;
    return { hello: frame as string, user: this.keyOf(peer.user), owner, ip, accessToken, isNative };
  }
}

/** The frontend connects again, to this node or to another one. */
function again(reason: string): IpcProtocolError {
  return new IpcProtocolError(INTERRUPTED, reason);
}
