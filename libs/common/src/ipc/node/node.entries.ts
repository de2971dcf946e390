import type { ServerSession } from '../dispatcher/server.session.js';
import type { BackplaneNode } from './backplane.js';
import type { Membership } from './membership.js';

/** The group of the backplane that has the node of each session. */
const SESSIONS = 'sessions';
/** Entries whose removal has failed. A node that loses more sessions during one outage lists the first of them for ever. */
const MAX_UNREMOVED = 100_000;

/** The entries of a node at the backplane: which sessions it has, and in which topics they are. */
export class NodeEntries {
  /** Entries whose removal has failed, and is repeated when the backplane is back. */
  readonly #unremoved = new Map<string, { readonly group: string; readonly session: string }>();

  /**
   * @param find finds a session of this node
   * @param background reports a failure that nobody waits for
   */
  constructor(
    private readonly backplane: BackplaneNode,
    private readonly membership: Membership,
    private readonly find: (session: string) => ServerSession | undefined,
    private readonly background: (what: string, work: Promise<unknown>) => void,
  ) {}

  /** Finds the node of a session; `undefined` without one. */
  async ownerOf(session: string): Promise<string | undefined> {
    return (await this.backplane.get(SESSIONS, session))?.node;
  }

  /** A session has begun: other nodes find it from now on. */
  opened(session: string): void {
    this.background('register a session', this.backplane.set(SESSIONS, session, ''));
  }

  /** A session is over. */
  closed(session: string): void {
    this.background('remove a session', this.remove(SESSIONS, session));
  }

  /** Lists a session in a topic. @param entry its entry in the list of members */
  set(topic: string, session: string, entry: string): Promise<void> {
    return this.backplane.set(topic, session, entry);
  }

  /** Removes a session from a group, at the latest when the backplane is back. */
  async remove(group: string, session: string): Promise<void> {
    try {
      await this.backplane.delete(group, session);
    } catch (error) {
      this.#unremoved.set(JSON.stringify([group, session]), { group, session });
      if (this.#unremoved.size > MAX_UNREMOVED) this.#unremoved.delete(this.#unremoved.keys().next().value!);
      throw error;
    }
  }

  /** The backplane may have forgotten the entries of a session. */
  relist(session: ServerSession): void {
    this.opened(session.id);
    for (const topic of this.membership.of(session)) {
      const entry = this.membership.topics.get(topic)?.members.get(session);
      if (entry !== undefined) this.background('list a member', this.set(topic, session.id, entry));
    }
  }

  /** The backplane is back, and may have forgotten everything. @param sessions those of this node */
  restored(sessions: readonly ServerSession[]): void {
    // A session with a copy is listed when it is certain that it is still here.
    for (const session of sessions) if (!session.isReplicated) this.relist(session);
    const unremoved = [...this.#unremoved.values()];
    this.#unremoved.clear();
    for (const { group, session } of unremoved)
      if (!this.#isListed(group, session)) this.background('remove an entry', this.remove(group, session));
  }

  /** Whether a session has an entry in a group. */
  #isListed(group: string, id: string): boolean {
    const session = this.find(id);
    if (!session || group === SESSIONS) return session !== undefined;
    return this.membership.of(session).has(group);
  }
}
