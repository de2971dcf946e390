import type { ServerSession } from '../dispatcher/server.session.js';
import { unwatched } from '../message/link.js';
import type { Position, SessionTopic } from '../replica/session.state.js';
import type { SessionTopics } from '../replica/session.topics.js';
import type { MissedFrame } from '../node/backplane.js';
import type { Arrivals, Notification } from '../node/arrivals.js';
import type { Membership } from '../node/membership.js';
import { readNotices } from '../node/notice.reader.js';
import type { LocalNode } from '../node/local.node.js';
import { ALL } from '../node/topic.names.js';

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

  positionsOf(topics: readonly SessionTopic[]): Position[] {
    const positions: Position[] = [];
    for (const topic of [...topics.map(({ name }) => name), ALL]) {
      for (const [from, seq] of this.node.order.lastOf(topic)) positions.push({ topic, from, seq });
      // The sessions of this node have all that it has sent.
      positions.push({ topic, from: this.node.id, seq: this.node.lastSeq });
    }
    return positions;
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
    const last = new Map(positions.map(({ topic, from, seq }) => [JSON.stringify([topic, from]), seq]));
    const taken = new Set<string>();
    const numberOf = ({ seq, from }: Notification) => `${seq} ${from}`;
    const has = (each: Notification) =>
      taken.has(numberOf(each)) ||
      each.topics.some((topic) => (last.get(JSON.stringify([topic, each.from])) ?? -1) >= each.seq);
    const send = (each: Notification) => {
      taken.add(numberOf(each));
      if (!each.except.includes(session.id)) void sendTo(session, each);
    };
    const waiting = this.arrivals.settle(session.id, session.closed, {
      has,
      send: (each, topic) => {
        if (this.membership.of(session).has(topic)) send(each);
      },
    });
    if (!waiting) return false;
    const names = new Set([...topics.map(({ name }) => name), ALL]);
    for (const each of [...readNotices(missed, this.node.limits), ...waiting])
      if (!has(each) && each.topics.some((topic) => names.has(topic))) send(each);
    return true;
  }
}

/** Sends a notification to a member. Resolves as `IpcSession.send`, and when the session has ended. */
export function sendTo(session: ServerSession, notification: Notification): Promise<void> {
  session.delivered?.(notification);
  return session.push(notification.message).catch(() => undefined);
}

/** Most senders do not wait. A failure of the backplane rejects for those who do; the log has it anyway. */
export function bothOf(local: Promise<unknown>, remote: Promise<void> | undefined): Promise<void> {
  return unwatched(Promise.all([local, remote]).then(() => undefined));
}
