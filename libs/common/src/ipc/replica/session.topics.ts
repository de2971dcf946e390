import type { ServerSession } from '../dispatcher/server.session.js';
import type { Position, SessionTopic } from './session.state.js';

/** The rooms and the users of the sessions of this node, for sessions that move. */
export interface SessionTopics {
  /** The topics of a session. */
  topicsOf(session: ServerSession): SessionTopic[];
  /** The notifications that a session has got by now, over this node or before it came. */
  positionsOf(session: ServerSession): Position[];
  /** Whether a session can be added to topics: its rooms may be full here. */
  hasSpace(topics: readonly string[]): boolean;
  /**
   * Keeps the notifications of topics for a session that is about to come.
   *
   * @returns resolves when they arrive here; `false` if the session is on its way already. Rejects if the backplane cannot be reached
   */
  arrive(id: string, topics: readonly string[]): Promise<boolean>;
  /** The session does not come. */
  cancel(id: string, topics: readonly string[]): void;
  /**
   * The session has come: adds it to its topics, and sends the notifications that it has not got.
   *
   * @param missed frames that another node has not read
   * @returns `false` if too many have waited
   */
  settle(
    session: ServerSession,
    topics: readonly SessionTopic[],
    positions: readonly Position[],
    missed: readonly { readonly topic: string; readonly frame: Uint8Array }[],
  ): boolean;
}
