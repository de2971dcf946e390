import type { ServerSession } from '../dispatcher/server.session.js';
import type { Arrived, Notification } from '../node/arrivals.js';
import type { Membership } from '../node/membership.js';
import type { Position } from '../replica/session.state.js';
import { sendTo } from './send.to.js';

/** A session that has come from another node, and the notifications that it has got by way of other nodes than this one. */
export class ArrivedSession implements Arrived {
  readonly #before = new Map<string, Position>();
  /** Notifications that it has got since then. */
  readonly #taken = new Map<string, Notification>();

  /** @param positions what it had got when it came */
  constructor(
    private readonly session: ServerSession,
    private readonly membership: Membership,
    positions: readonly Position[],
  ) {
    for (const each of positions) this.#before.set(keyOf(each), each);
  }

  /** The notifications that it has got, as positions. This node itself may have received none of them. */
  get positions(): Position[] {
    const taken = Array.from(this.#taken.values(), ({ topics, from, seq }) =>
      topics.map((topic) => ({ topic, from, seq })),
    );
    return [...this.#before.values(), ...taken.flat()];
  }

  /** Whether it has got a notification, here or on the node before. */
  has({ topics, from, seq }: Notification): boolean {
    if (this.#taken.has(`${seq} ${from}`)) return true;
    return topics.some((topic) => (this.#before.get(keyOf({ topic, from }))?.seq ?? -1) >= seq);
  }

  /** Sends a notification that a topic brings, if it is a member. */
  send(notification: Notification, topic: string): void {
    if (this.membership.of(this.session).has(topic)) this.take(notification);
  }

  /** Sends a notification. */
  take(notification: Notification): void {
    this.#taken.set(`${notification.seq} ${notification.from}`, notification);
    if (!notification.except.includes(this.session.id)) void sendTo(this.session, notification);
  }
}

function keyOf({ topic, from }: Pick<Position, 'topic' | 'from'>): string {
  return JSON.stringify([topic, from]);
}
