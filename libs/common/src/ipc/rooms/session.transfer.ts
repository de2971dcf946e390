import type { ServerSession } from '../dispatcher/server.session.js';
import type { Position, SessionTopic } from '../replica/session.state.js';
import type { SessionTopics } from '../replica/session.topics.js';
import type { MissedFrame } from '../node/backplane.js';
import type { Arrivals } from '../node/arrivals.js';
import type { Membership } from '../node/membership.js';
import { readNotices } from '../node/notice.reader.js';
import type { LocalNode } from '../node/local.node.js';
import { ALL } from '../node/topic.names.js';
import { ArrivedSession } from './arrived.session.js';

/** The rooms of sessions that move from one node to another: every notification arrives once, whichever node has received it. */
export class SessionTransfer implements SessionTopics {
  /** @param join adds a session to a topic; see `IpcRooms` */
  constructor(
    private readonly node: LocalNode,
    private readonly membership: Membership,
    private readonly arrivals: Arrivals,
    private readonly join: (topic: string, session: ServerSession, entry: string) => void,
  ) {}

  topicsOf(session: ServerSession): SessionTopic[] {
    const names = [...this.membership.of(session)];
    return names.map((name) => ({
      name,
      entry: this.membership.topics.get(name)?.members.get(session) ?? '',
    }));
  }

  positionsOf(session: ServerSession): Position[] {
    const names = new Set([...this.membership.of(session), ALL]);
    const positions: Position[] = this.arrivals
      .positionsOf(session.id)
      .filter(({ topic }) => names.has(topic));
    for (const topic of names) {
      for (const [from, seq] of this.node.order.lastOf(topic)) positions.push({ topic, from, seq });
      // The sessions of this node have all that it has sent.
      positions.push({ topic, from: this.node.id, seq: this.node.lastSeq });
    }
    return newest(positions);
  }

  hasSpace(topics: readonly string[]): boolean {
    return topics.every((name) => this.membership.hasSpace(name));
  }

  async arrive(id: string, topics: readonly string[]): Promise<boolean> {
    const names = topics.filter((name) => name !== ALL);
    if (!this.arrivals.begin(id, [...names, ALL])) return false;
    try {
      await Promise.all(names.map((name) => this.node.backplane.subscribe(name)));
      return true;
    } catch (error) {
      this.cancel(id, topics);
      throw error;
    }
  }

  cancel(id: string, topics: readonly string[]): void {
    this.arrivals.end(id);
    // A topic with members stays.
    for (const name of topics)
      if (name !== ALL) this.node.background('unsubscribe', this.node.unsubscribe(name));
  }

  settle(
    session: ServerSession,
    topics: readonly SessionTopic[],
    positions: readonly Position[],
    missed: readonly MissedFrame[],
  ): boolean {
    for (const { name, entry } of topics) this.join(name, session, entry);
    const arrived = new ArrivedSession(session, this.membership, positions);
    const waiting = this.arrivals.settle(session.id, session.closed, arrived);
    if (!waiting) return false;
    const names = new Set([...topics.map(({ name }) => name), ALL]);
    for (const each of [...readNotices(missed, this.node.limits), ...waiting])
      if (!arrived.has(each) && each.topics.some((topic) => names.has(topic))) arrived.take(each);
    return true;
  }
}

/** The last one of each sender in each topic. */
function newest(positions: readonly Position[]): Position[] {
  const found = new Map<string, Position>();
  for (const each of positions) {
    const key = `${each.from} ${each.topic}`;
    if ((found.get(key)?.seq ?? -1) < each.seq) found.set(key, each);
  }
  return [...found.values()];
}
