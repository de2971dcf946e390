import { IpcProtocolError, SessionNotFound } from '../message/message.js';
import { answerUnknown } from '../dispatcher/unanswered.calls.js';
import type { IpcClosure } from '../channel/closure.js';
import type { DurableRecord } from '../server/session.record.js';
import type { AdoptedSession, FoundSession, StrayConnection } from '../server/sessions.elsewhere.js';
import { INTERRUPTED } from '../wire/durable/link.js';
import type { Mover } from './mover.js';
import type { OpenRelay } from './relay.head.js';
import type { Relays } from './relays.js';
import type { SessionState } from './session.state.js';
import type { MissedFrame, SessionTopics } from './session.topics.js';

/** Knows the nodes of sessions. */
export interface SessionDirectory {
  /** The id of this node. */
  readonly id: string;
  /** Finds the node of a session; `undefined` without one. Rejects if the backplane cannot be reached. */
  ownerOf(session: string): Promise<string | undefined>;
  /** Whether the backplane knows all sessions: not at once after it has lost its memory. */
  readonly isComplete: boolean;
}

/** This server, as sessions come to it. */
export interface SessionPlace {
  /** The reason why no session can begin. */
  readonly refusal: IpcClosure | undefined;
  /** Begins a session of another node. @throws IpcProtocolError without a place for it */
  adopt(connection: StrayConnection, adopted: AdoptedSession): DurableRecord;
}

/** Finds the sessions of other nodes, for frontends that come back to this one. */
export class SessionFinder {
  constructor(
    private readonly directory: SessionDirectory,
    private readonly relays: Relays,
    private readonly mover: Mover,
    private readonly topics: SessionTopics,
    private readonly place: SessionPlace,
    private readonly keyOf: (user: unknown) => string | null,
  ) {}

  async find(connection: StrayConnection): Promise<FoundSession> {
    const { sessionId } = connection.hello;
    const node = await this.directory.ownerOf(sessionId).catch(() => {
      throw again('The other nodes cannot be reached.');
    });
    if (node === undefined || node === this.directory.id) return this.#lost();
    const relay = await this.relays.open(node, sessionId, connection.transport, this.#describe(connection));
    if (typeof relay === 'object') return { kind: 'relayed', events: relay };
    if (relay === 'leaving') return this.#take(node, connection);
    if (relay === 'absent' || relay === 'gone') return this.#lost();
    throw again(`The node of the session does not accept the connection: ${relay}.`);
  }

  /** Takes the session from a node that is about to end. */
  async #take(node: string, connection: StrayConnection): Promise<FoundSession> {
    const { hello, peer } = connection;
    const { sessionId, secret, attempt, received } = hello;
    if (this.place.refusal) throw again(this.place.refusal.reason);
    const user = this.keyOf(peer.user);
    const state = await this.mover
      .take(node, sessionId, { secret, user, attempt, received })
      .catch(() => undefined);
    if (!state) throw again('The node of the session does not give it yet.');
    return this.#adopt(connection, state, []);
  }

  #adopt(connection: StrayConnection, state: SessionState, missed: readonly MissedFrame[]): FoundSession {
    const { topics, positions, calls } = state;
    try {
      const { session, link } = this.place.adopt(connection, state);
      answerUnknown(link, calls);
      if (this.topics.settle(session, topics, positions, missed)) return { kind: 'here' };
      link.close(1013, 'More has waited for the session than there is space for.');
      throw new SessionNotFound();
    } finally {
      this.topics.cancel(
        state.id,
        topics.map(({ name }) => name),
      );
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
