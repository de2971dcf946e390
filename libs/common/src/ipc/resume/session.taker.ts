import { joinBytes } from '../../bytes/bytes.js';
import type { IpcLimits } from '../../base/limits.js';
import { SessionNotFound } from '../message/message.js';
import { readTopics } from './move.head.js';
import type { MoveHead, TakeSession } from './move.head.js';
import { decodeState, stateBytes } from '../replica/session.state.js';
import type { SessionState } from '../replica/session.state.js';
import type { SessionTopics } from '../replica/session.topics.js';

/** How long a taker waits for the calls of a session, in milliseconds: shorter than a handshake may take. */
export const TAKE_MS = 8_000;
/** How long it waits for the state, in milliseconds: the owner may have given it, so that it is here or nowhere. */
const STATE_MS = 12_000;

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
  /** Whether an error means that nothing was sent, because too much waits. */
  isFull(error: unknown): boolean;
}

/** A session that is taken from another node. */
interface Taking {
  readonly node: string;
  topics(names: string[] | undefined): void;
  piece(bytes: Uint8Array | undefined, isLast: boolean): void;
}

/** Takes sessions from nodes that are about to end. */
export class SessionTaker {
  readonly #takings = new Map<number, Taking>();
  #last = 0;

  constructor(
    private readonly port: MovePort,
    private readonly topics: SessionTopics,
  ) {}

  /**
   * Takes a session from a node that is about to end.
   *
   * @param isOpen whether this node can still have it
   * @returns its state; `undefined` if the node does not give it. The notifications of its topics are kept from then on
   * @throws SessionNotFound (rejection) if the state is damaged: nobody has another one
   */
  async take(
    node: string,
    session: string,
    frontend: TakeSession,
    isOpen: () => boolean,
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
      if (!names || !isOpen() || !this.topics.hasSpace(names)) return undefined;
      isArriving = await this.topics.arrive(session, names);
      if (!isArriving) return undefined;
      const bytes = await this.#ask(node, { ...head, type: 'give' }, state);
      if (!bytes) return undefined;
      const read = this.#read(bytes);
      if (read?.id !== session) throw new SessionNotFound('The state of the session is damaged.');
      isArriving = false;
      return read;
    } finally {
      clearTimeout(timer);
      this.#takings.delete(id);
      if (isArriving) this.topics.cancel(session, names!);
    }
  }

  /** Asks for the state, and waits for it. */
  async #ask(
    node: string,
    head: Omit<MoveHead, 'from' | 'seq'>,
    state: Promise<Uint8Array | undefined>,
  ): Promise<Uint8Array | undefined> {
    try {
      await this.port.moveBehind(node, head);
    } catch (error) {
      if (this.port.isFull(error)) return undefined;
      // It may have arrived all the same.
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<undefined>(
      (resolve) => (timer = setTimeout(() => resolve(undefined), STATE_MS)),
    );
    return Promise.race([state, late]).finally(() => clearTimeout(timer));
  }

  #read(bytes: Uint8Array): SessionState | undefined {
    try {
      return decodeState(bytes, this.port.limits);
    } catch {
      return undefined;
    }
  }

  /** Receives a frame of the node that has a session. @throws Error if it is damaged */
  receive({ from, id, type, count }: MoveHead, read: () => unknown, bytes: Uint8Array | undefined): void {
    const taking = this.#takings.get(id);
    if (taking?.node !== from) return;
    if (type === 'topics') taking.topics(readTopics(read(), this.port.limits.sessionRooms + 8));
    else if (type === 'state') taking.piece(bytes, count === 0);
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
}
