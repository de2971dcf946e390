import { within } from '../../base/timer.js';
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

/** How long a session that has come is remembered, in milliseconds: the topics of one notification may bring it so far apart. */
const REMEMBERED_MS = 30_000;

/** The number of a notification in a topic. */
interface Place extends Pick<Notification, 'from' | 'seq'> {
  readonly topic: string;
}

interface Arrival {
  readonly topics: ReadonlySet<string>;
  readonly waiting: Notification[];
  bytes: number;
  /** The number of the arrival. */
  readonly number: number;
}

/** A session that has come. */
export interface Arrived {
  /** The last notifications that it has got by way of other nodes. */
  readonly positions: readonly Place[];
  /** Whether it has got a notification, here or on the node before. */
  has(notification: Notification): boolean;
  /** Sends a notification that a topic brings. */
  send(notification: Notification, topic: string): void;
}

/** Sessions that are about to come from other nodes, and the notifications that wait for them. */
export class Arrivals {
  readonly #byId = new Map<string, Arrival>();
  readonly #arrived = new Map<string, { readonly session: Arrived; readonly number: number }>();
  #last = 0;

  /** @param mostBytes bytes that may wait for one session: with more it would end as soon as it is here */
  constructor(private readonly mostBytes: number) {}

  /** Whether no session comes, or has come a short time ago. */
  get isEmpty(): boolean {
    return this.#byId.size + this.#arrived.size === 0;
  }

  /** Whether a session gets a notification by itself: it is on its way, or has got it before. */
  has(id: string, notification: Notification): boolean {
    return this.#byId.has(id) || (this.#arrived.get(id)?.session.has(notification) ?? false);
  }

  /** Whether a session on its way needs the notifications of a topic. */
  wants(topic: string): boolean {
    for (const { topics } of this.#byId.values()) if (topics.has(topic)) return true;
    return false;
  }

  /** Keeps the notifications of topics for a session from now on. @returns whether it was not on its way already */
  begin(id: string, topics: readonly string[]): boolean {
    if (this.#byId.has(id)) return false;
    this.#byId.set(id, { topics: new Set(topics), waiting: [], bytes: 0, number: ++this.#last });
    return true;
  }

  /** The number of the last arrival that has begun. */
  get last(): number {
    return this.#last;
  }

  /** A notification for topics. */
  offer(notification: Notification): void {
    if (this.#byId.size === 0) return;
    for (const [id, arrival] of this.#byId)
      if (notification.topics.some((topic) => arrival.topics.has(topic)))
        this.#keep(id, arrival, notification);
  }

  #keep(id: string, arrival: Arrival, notification: Notification): void {
    arrival.bytes += bytesOf(notification.message);
    if (arrival.waiting.push(notification) > MOST_WAITING || arrival.bytes > this.mostBytes)
      this.#byId.delete(id);
  }

  /**
   * A topic brings a notification that another one has brought before. A session that has begun to come since then has not seen it.
   *
   * @param since the last arrival that had begun by then
   */
  offerAgain(notification: Notification, topic: string, since: number): void {
    for (const [id, arrival] of this.#byId)
      if (arrival.number > since && arrival.topics.has(topic)) this.#keep(id, arrival, notification);
    for (const { session, number } of this.#arrived.values())
      if (number > since && !session.has(notification)) session.send(notification, topic);
  }

  /** Whether {@link offerAgain} can matter. */
  hasBegun(since: number): boolean {
    return this.#last > since && !this.isEmpty;
  }

  /**
   * The session has come.
   *
   * @param closed resolves when it is over
   * @returns the notifications; `undefined` if they were too many
   */
  settle(id: string, closed: Promise<unknown>, session: Arrived): readonly Notification[] | undefined {
    const arrival = this.#byId.get(id);
    this.#byId.delete(id);
    if (!arrival) return undefined;
    const arrived = { session, number: arrival.number };
    this.#arrived.set(id, arrived);
    const forget = () => {
      if (this.#arrived.get(id) === arrived) this.#arrived.delete(id);
    };
    void within(REMEMBERED_MS, closed).then(forget);
    return arrival.waiting;
  }

  /** The notifications that a session has got by way of other nodes, if it has come a short time ago. */
  positionsOf(id: string): readonly Place[] {
    return this.#arrived.get(id)?.session.positions ?? [];
  }

  /** The session does not come. */
  end(id: string): void {
    this.#byId.delete(id);
  }
}

/** The value is encoded once for all receivers. */
function bytesOf({ data }: OutgoingNotice): number {
  const { json = '', parts } = data.encode();
  return parts.reduce((sum, { byteLength }) => sum + byteLength, json.length);
}
