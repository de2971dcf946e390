import { IpcProtocolError, SessionNotFound } from '../message/message.js';
import type { FoundSession, SessionsElsewhere, StrayConnection } from '../server/sessions.elsewhere.js';
import { INTERRUPTED } from '../wire/durable/link.js';
import type { OpenRelay } from './relay.head.js';
import type { Relays } from './relays.js';

/** Knows the nodes of sessions. */
export interface SessionDirectory {
  /** The id of this node. */
  readonly id: string;
  /** Finds the node of a session; `undefined` without one. Rejects if the backplane cannot be reached. */
  ownerOf(session: string): Promise<string | undefined>;
  /** Whether the backplane knows all sessions: not at once after it has lost its memory. */
  readonly isComplete: boolean;
}

/** Finds the sessions of other nodes, for frontends that come back to this one. */
export class SessionFinder implements SessionsElsewhere {
  constructor(
    private readonly directory: SessionDirectory,
    private readonly relays: Relays,
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
    if (relay === 'absent' || relay === 'gone') return this.#lost();
    throw again(`The node of the session does not accept the connection: ${relay}.`);
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
