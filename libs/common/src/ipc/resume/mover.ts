import type { IpcClosure } from '../channel/closure.js';
import { within } from '../../base/timer.js';
import type { DurableRecord } from '../server/session.record.js';
import { INTERRUPTED } from '../wire/durable/link.js';
import { PIECE } from './exchange.js';
import { readTake } from './move.head.js';
import type { MoveHead, TakeSession } from './move.head.js';
import { encodeState } from '../replica/session.state.js';
import type { SessionState } from '../replica/session.state.js';
import { TAKE_MS } from './session.taker.js';
import type { MovePort } from './session.taker.js';
import type { SessionTopics } from '../replica/session.topics.js';

/** The pause of an owner before it tries again to send, in milliseconds, while too much waits for the backplane. */
const AGAIN_MS = 50;
/** An owner whose time is over keeps as much of it, in milliseconds, for sessions whose calls still run. */
const RESERVE_MS = 500;

/** The end of a session here. */
const MOVED: IpcClosure = {
  code: INTERRUPTED,
  reason: 'The session has moved to another node.',
  initiator: 'local',
};

/** This server, as sessions move from it. */
export interface MoveOwner {
  find(session: string): DurableRecord | undefined;
  /** Names a user; `null` without one. */
  keyOf(user: unknown): string | null;
}

/** A session that was offered to the taker that asked last. */
interface Offer {
  readonly from: string;
  /** The number of the move at the taker. */
  readonly id: number;
  /** The number of the connection that has come to the taker. */
  readonly attempt: number;
  /** Until then the taker waits. */
  readonly until: number;
}

/** Gives sessions away when this node is about to end. */
export class Mover {
  /** Sessions that may be taken, each with a function that reports that it was. */
  readonly #leaving = new Map<DurableRecord, () => void>();
  /** Sessions that were given away. This node ends soon, and they with it. */
  readonly #given = new Set<string>();
  /** By session. */
  readonly #offers = new Map<string, Offer>();
  #deadline = 0;

  constructor(
    private readonly port: MovePort,
    private readonly owner: MoveOwner,
    private readonly topics: SessionTopics,
  ) {}

  /** Whether sessions may be taken from this node. */
  isLeaving(record: DurableRecord): boolean {
    return this.#leaving.has(record);
  }

  /** Whether a session was given away a moment ago: other nodes may not know it yet. */
  hasGiven(session: string): boolean {
    return this.#given.has(session);
  }

  /** Lets other nodes take sessions, whose frontends are to connect to them. @returns resolves when all were taken, or after the time */
  async leave(records: readonly DurableRecord[], timeoutMs: number): Promise<void> {
    this.#deadline = performance.now() + timeoutMs;
    const taken: Promise<void>[] = [];
    for (const record of records) {
      const isThere = record.state.kind === 'connected';
      const gone = new Promise<void>((resolve) => this.#leaving.set(record, resolve));
      // Nobody knows when a frontend comes back that was away before.
      if (isThere) taken.push(Promise.race([gone, record.session.closed.then(() => undefined)]));
      record.leave('The session moves to another node.');
    }
    await within(timeoutMs, Promise.all(taken));
  }

  /** Receives a frame of a node that takes a session. @throws Error if it is damaged */
  receive(head: MoveHead, read: () => unknown): void {
    const work = head.type === 'take' ? this.#offer(head, readTake(read())) : this.#give(head);
    // A function of the application names users, and may throw. The taker then hears nothing, and its frontend connects again.
    work.catch(() => undefined);
  }

  /** Another node wants a session: names its topics as soon as no call runs. */
  async #offer(head: MoveHead, { secret, user, attempt, received }: TakeSession): Promise<void> {
    const { from, id, session } = head;
    const answer = { kind: 'move', id, session, count: 0 } as const;
    const record = this.owner.find(session);
    const earlier = this.#offers.get(session);
    const isOwner =
      record !== undefined &&
      this.#leaving.has(record) &&
      record.proof.knows(secret) &&
      Math.max(record.proof.state.attempt, earlier?.attempt ?? 0) <= attempt &&
      record.link.canResume(received) &&
      this.owner.keyOf(record.session.user) === user;
    const send = (type: 'topics' | 'refused', value?: unknown) =>
      this.port.move(from, { ...answer, type }, value).catch(() => undefined);
    if (!isOwner) {
      await send('refused');
      return;
    }
    // The newest connection counts: a taker that was asked before has no frontend any more.
    const offer = { from, id, attempt, until: performance.now() + TAKE_MS };
    this.#offers.set(session, offer);
    // Calls that wait for the frontend would hold the move up, and it cannot answer here any more.
    record.session.frontendGone(MOVED);
    const leftMs = Math.max(0, this.#deadline - performance.now() - RESERVE_MS);
    await within(Math.min(leftMs, TAKE_MS - RESERVE_MS), unlessStreams(record));
    if (this.#offers.get(session) !== offer) {
      await send('refused');
      return;
    }
    await send(
      'topics',
      this.topics.topicsOf(record.session).map(({ name }) => name),
    );
  }

  /** Gives a session to the node that it was offered to, which receives its notifications by now. */
  async #give({ from, id, session }: MoveHead): Promise<void> {
    const answer = { kind: 'move', id, session } as const;
    const record = this.owner.find(session);
    const gone = record && this.#leaving.get(record);
    const offer = this.#offers.get(session);
    const isOffered = offer?.from === from && offer.id === id && performance.now() < offer.until;
    if (!gone || !isOffered) {
      await this.port.move(from, { ...answer, type: 'refused', count: 0 }).catch(() => undefined);
      return;
    }
    const bytes = encodeState(this.#stateOf(record));
    this.#offers.delete(session);
    this.#leaving.delete(record);
    this.#given.add(session);
    record.session.hasMoved = true;
    record.link.ended(MOVED);
    try {
      for (let at = 0; at < bytes.byteLength; at += PIECE) {
        const count = at + PIECE < bytes.byteLength ? 1 : 0;
        const piece = bytes.subarray(at, at + PIECE);
        await this.#send(from, { ...answer, type: 'state', count }, piece, offer.until);
      }
    } catch {
      // A piece may have arrived even if it rejects, and two nodes must not have the session: its frontend is told that it is lost.
    } finally {
      gone();
    }
  }

  /** Sends a piece, and again while too much waits for the backplane. */
  async #send(
    node: string,
    head: Omit<MoveHead, 'from' | 'seq'>,
    piece: Uint8Array,
    until: number,
  ): Promise<void> {
    for (;;) {
      try {
        return await this.port.move(node, head, undefined, piece);
      } catch (error) {
        if (!this.port.isFull(error) || performance.now() > until) throw error;
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
  }

  #stateOf(record: DurableRecord): SessionState {
    const { session, link, proof, dispatcher } = record;
    const { calls, notices: waiting } = dispatcher.unfinished();
    const topics = this.topics.topicsOf(session);
    return {
      ...link.state,
      ...proof.state,
      id: session.id,
      node: this.port.id,
      epoch: record.epoch + 1,
      user: this.owner.keyOf(session.user),
      calls,
      waiting,
      topics,
      positions: this.topics.positionsOf(session),
      position: 0,
      earlier: [],
    };
  }
}

/** How often a session with calls is looked at, in milliseconds. */
const LOOK_MS = 20;

/** Resolves when no call runs but those that wait for the frontend: as results or as arguments, their streams may never end. */
async function unlessStreams({ dispatcher, session }: DurableRecord): Promise<void> {
  const idle = dispatcher.idle().then(() => true);
  for (let isIdle = false; session.isOpen && !isIdle;) {
    const { calls } = dispatcher.unfinished();
    if (calls.length > 0 && calls.every(({ isEndless }) => isEndless)) return;
    isIdle = await Promise.race([idle, new Promise<false>((resolve) => setTimeout(resolve, LOOK_MS, false))]);
  }
}
