import type { OutgoingNotice } from '../message/outgoing.message.js';

/** A notification to topics, with its place among those of its node. */
export interface Notification {
  readonly topics: readonly string[];
  /** Ids of the sessions that do not get it. */
  readonly except: readonly string[];
  readonly message: OutgoingNotice;
  readonly from: string;
  readonly seq: number;
}

/** Notifications that wait for one session. Past it the session does not come here. */
const MOST_WAITING = 100_000;

interface Arrival {
  readonly topics: ReadonlySet<string>;
  readonly waiting: Notification[];
  bytes: number;
}

/** Sessions that are about to come from other nodes, and the notifications that wait for them. */
export class Arrivals {
  readonly #byId = new Map<string, Arrival>();

  /** @param mostBytes bytes that may wait for one session: with more it would end as soon as it is here */
  constructor(private readonly mostBytes: number) {}

  get isEmpty(): boolean {
    return this.#byId.size === 0;
  }

  /** Whether a session is on its way. */
  has(id: string): boolean {
    return this.#byId.has(id);
  }

  /** Whether a session on its way needs the notifications of a topic. */
  wants(topic: string): boolean {
    for (const { topics } of this.#byId.values()) if (topics.has(topic)) return true;
    return false;
  }

  /** Keeps the notifications of topics for a session from now on. @returns whether it was not on its way already */
  begin(id: string, topics: readonly string[]): boolean {
    if (this.#byId.has(id)) return false;
    this.#byId.set(id, { topics: new Set(topics), waiting: [], bytes: 0 });
    return true;
  }

  /** A notification for topics. */
  offer(notification: Notification): void {
    if (this.#byId.size === 0) return;
    for (const [id, arrival] of this.#byId) {
      const { topics, waiting } = arrival;
      if (!notification.topics.some((topic) => topics.has(topic))) continue;
      arrival.bytes += bytesOf(notification.message);
      if (waiting.push(notification) > MOST_WAITING || arrival.bytes > this.mostBytes) this.#byId.delete(id);
    }
  }

  /** The session has come, or does not come. @returns the notifications; `undefined` if they were too many */
  end(id: string): readonly Notification[] | undefined {
    const arrival = this.#byId.get(id);
    this.#byId.delete(id);
    return arrival?.waiting;
  }
}

/** The value is encoded once for all receivers. */
function bytesOf({ data }: OutgoingNotice): number {
  const { json = '', parts } = data.encode();
  return parts.reduce((sum, { byteLength }) => sum + byteLength, json.length);
}
