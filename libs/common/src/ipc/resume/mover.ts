import { joinBytes } from '../../bytes/bytes.js';
import type { IpcLimits } from '../../base/limits.js';
import { within } from '../../base/timer.js';
import type { DurableRecord } from '../server/session.record.js';
import { INTERRUPTED } from '../wire/durable/link.js';
import { PIECE } from './exchange.js';
import { readTake, readTopics } from './move.head.js';
import type { MoveHead, TakeSession } from './move.head.js';
import { decodeState, encodeState, stateBytes } from './session.state.js';
import type { SessionState } from './session.state.js';
import type { SessionTopics } from './session.topics.js';

/** How long a taker waits for the calls of a session, and for its state, in milliseconds: shorter than a handshake may take. */
const TAKE_MS = 8_000;
/** An owner whose time is over keeps as much of it, in milliseconds, for sessions whose calls still run. */
const RESERVE_MS = 500;

/** The backplane, as sessions move over it. */
export interface MovePort {
  readonly id: string;
  readonly limits: IpcLimits;
  /** Sends a frame to a node. Rejects if it may be lost. */
  move(
    node: string,
    head: Omit<MoveHead, 'from' | 'seq'>,
    value?: unknown,
    bytes?: Uint8Array,
  ): Promise<void>;
  /** Sends a frame to a node behind all notifications that were published before. */
  moveBehind(node: string, head: Omit<MoveHead, 'from' | 'seq'>): Promise<void>;
}

/** This server, as sessions move from it. */
export interface MoveOwner {
  find(session: string): DurableRecord | undefined;
  /** Names a user; `null` without one. */
  keyOf(user: unknown): string | null;
}

/** A session that is taken from another node. */
interface Taking {
  readonly node: string;
  topics(names: string[] | undefined): void;
  piece(bytes: Uint8Array | undefined, isLast: boolean): void;
}

/** Moves sessions from nodes that are about to end. */
export class Mover {
  readonly #takings = new Map<number, Taking>();
  /** Sessions that may be taken, each with a function that reports that it was. */
  readonly #leaving = new Map<DurableRecord, () => void>();
  /** Sessions that were given away. This node ends soon, and they with it. */
  readonly #given = new Set<string>();
  #deadline = 0;
  #last = 0;

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

  /**
   * Takes a session from a node that is about to end.
   *
   * @param hasSpace whether this node can still have it
   * @returns its state; `undefined` if the node does not give it. The notifications of its topics are kept from then on
   */
  async take(
    node: string,
    session: string,
    frontend: TakeSession,
    hasSpace: () => boolean,
  ): Promise<SessionState | undefined> {
    const id = ++this.#last;
    const head = { kind: 'move', id, session, count: 0 } as const;
    let names: string[] | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isArriving = false;
    try {
      const late = new Promise<undefined>(
        (resolve) => (timer = setTimeout(() => resolve(undefined), TAKE_MS)),
      );
      let topics!: Taking['topics'];
      const named = new Promise<string[] | undefined>((resolve) => (topics = resolve));
      const { state, piece } = this.#collect();
      this.#takings.set(id, { node, topics, piece });
      await this.port.move(node, { ...head, type: 'take' }, frontend);
      names = await Promise.race([named, late]);
      if (!names || !hasSpace()) return undefined;
      isArriving = await this.topics.arrive(session, names);
      if (!isArriving) return undefined;
      await this.port.moveBehind(node, { ...head, type: 'give' });
      const bytes = await Promise.race([state, late]);
      const read = bytes && decodeState(bytes, this.port.limits);
      if (read?.id !== session) return undefined;
      isArriving = false;
      return read;
    } finally {
      clearTimeout(timer);
      this.#takings.delete(id);
      if (isArriving) this.topics.cancel(session, names!);
    }
  }

  /** Receives a frame of another node. @throws Error if it is damaged */
  receive(head: MoveHead, read: () => unknown, bytes: Uint8Array | undefined): void {
    const { from, id, type } = head;
    // A function of the application names users, and may throw. The taker then hears nothing, and its frontend connects again.
    const ignored = () => undefined;
    if (type === 'take') {
      this.#offer(head, readTake(read())).catch(ignored);
      return;
    }
    if (type === 'give') {
      this.#give(head).catch(ignored);
      return;
    }
    const taking = this.#takings.get(id);
    if (taking?.node !== from) return;
    if (type === 'topics') taking.topics(readTopics(read(), this.port.limits.sessionRooms + 8));
    else if (type === 'state') taking.piece(bytes, head.count === 0);
    else {
      taking.topics(undefined);
      taking.piece(undefined, true);
    }
  }

  /** Collects the pieces of a state. */
  #collect(): { readonly state: Promise<Uint8Array | undefined>; readonly piece: Taking['piece'] } {
    const most = stateBytes(this.port.limits);
    const pieces: Uint8Array[] = [];
    let size = 0;
    let isOver = false;
    let piece!: Taking['piece'];
    const state = new Promise<Uint8Array | undefined>((resolve) => {
      piece = (bytes, isLast) => {
        if (isOver) return;
        size += bytes?.byteLength ?? 0;
        isOver = isLast || !bytes || bytes.byteLength === 0 || size > most;
        if (bytes) pieces.push(bytes);
        if (isOver) resolve(isLast && bytes && size <= most ? joinBytes(pieces) : undefined);
      };
    });
    return { state, piece };
  }

  /** Another node wants a session: names its topics as soon as no call runs. */
  async #offer(head: MoveHead, { secret, user, attempt, received }: TakeSession): Promise<void> {
    const { from, id, session } = head;
    const answer = { kind: 'move', id, session, count: 0 } as const;
    const record = this.owner.find(session);
    const isOwner =
      record !== undefined &&
      this.#leaving.has(record) &&
      record.proof.knows(secret) &&
      record.proof.state.attempt <= attempt &&
      record.link.canResume(received) &&
      this.owner.keyOf(record.session.user) === user;
    const send = (type: 'topics' | 'refused', value?: unknown) =>
      this.port.move(from, { ...answer, type }, value).catch(() => undefined);
    if (!isOwner) {
      await send('refused');
      return;
    }
    const leftMs = Math.max(0, this.#deadline - performance.now() - RESERVE_MS);
    await within(Math.min(leftMs, TAKE_MS - RESERVE_MS), unlessStreams(record));
    await send(
      'topics',
      this.topics.topicsOf(record.session).map(({ name }) => name),
    );
  }

  /** Gives a session to another node, which receives its notifications by now. */
  async #give({ from, id, session }: MoveHead): Promise<void> {
    const answer = { kind: 'move', id, session } as const;
    const record = this.owner.find(session);
    const gone = record && this.#leaving.get(record);
    if (!gone) {
      await this.port.move(from, { ...answer, type: 'refused', count: 0 }).catch(() => undefined);
      return;
    }
    const bytes = encodeState(this.#stateOf(record));
    this.#leaving.delete(record);
    this.#given.add(session);
    record.session.hasMoved = true;
    record.link.ended({
      code: INTERRUPTED,
      reason: 'The session has moved to another node.',
      initiator: 'local',
    });
    try {
      for (let at = 0; at < bytes.byteLength; at += PIECE) {
        const count = at + PIECE < bytes.byteLength ? 1 : 0;
        const piece = bytes.subarray(at, at + PIECE);
        // It may have arrived even if a piece rejects: two nodes must not have the session.
        await this.port.move(from, { ...answer, type: 'state', count }, undefined, piece);
      }
    } catch {
      // The frontend is told that its session is lost.
    } finally {
      gone();
    }
  }

  #stateOf(record: DurableRecord): SessionState {
    const { session, link, proof, dispatcher } = record;
    const topics = this.topics.topicsOf(session);
    return {
      ...link.state,
      ...proof.state,
      id: session.id,
      node: this.port.id,
      epoch: record.epoch + 1,
      user: this.owner.keyOf(session.user),
      calls: dispatcher.openCalls(),
      topics,
      positions: this.topics.positionsOf(topics),
      position: 0,
    };
  }
}

/** How often a session with streams is looked at, in milliseconds. */
const LOOK_MS = 20;

/** Resolves when no call runs but those whose results are streams: they may never end by themselves. */
async function unlessStreams({ dispatcher, session }: DurableRecord): Promise<void> {
  const idle = dispatcher.idle().then(() => true);
  for (let isIdle = false; session.isOpen && !isIdle;) {
    const calls = dispatcher.openCalls();
    if (calls.length > 0 && calls.every(({ isStream }) => isStream)) return;
    isIdle = await Promise.race([idle, new Promise<false>((resolve) => setTimeout(resolve, LOOK_MS, false))]);
  }
}
