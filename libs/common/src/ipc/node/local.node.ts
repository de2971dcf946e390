import type { IpcLimits } from '../../base/limits.js';
import { newId } from '../../base/random.id.js';
import { messageOf } from '../../base/text.js';
import type { OutgoingNotice } from '../message/outgoing.message.js';
import { encodeIpcValue } from '../message/value.codec.js';
import type { NodeExchange, UnsentExchange } from '../resume/exchange.js';
import type { ServerSession } from '../dispatcher/server.session.js';
import { BackplaneError } from './backplane.js';
import type { BackplaneEntry, BackplaneNode, IpcBackplane } from './backplane.js';
import type { Arrivals } from './arrivals.js';
import { FrameOrder } from './membership.js';
import type { Membership } from './membership.js';
import { decodeNodeFrame, encodeNodeFrame } from './node.frame.js';
import type { NodeFrame } from './node.frame.js';
import { NodeEntries } from './node.entries.js';
import { NodeRequests } from './node.requests.js';
import { readArguments, readNotice } from './notice.reader.js';
import type { RemoteCallOptions, SessionRequest, UnsentHead } from './node.requests.js';
import { watchTopic } from './presence.js';
import type { PresenceWatch } from './presence.js';
import type { NodeEvents } from './node.events.js';
import { RareWarnings } from './rare.warnings.js';

/**
 * After the backplane has lost its memory, other nodes need so long to come back and to list their sessions, in milliseconds. A session
 * that is not listed by then is lost.
 */
const RETURN_MS = 5_000;

/** This server as a node of a backplane: its subscriptions and entries, and the frames to and from other nodes. */
export class LocalNode {
  readonly id = newId();
  readonly backplane: BackplaneNode;
  /** Receives the frames by which nodes share sessions. */
  exchange: NodeExchange | undefined;
  #returnedAt = -RETURN_MS;
  readonly #requests: NodeRequests;
  /** Recognizes frames that arrive again. */
  readonly order = new FrameOrder();
  /** Topics that have no members of their own. */
  readonly #followed = new Set<string>();
  readonly #watches = new Map<string, PresenceWatch>();
  readonly #warnings: RareWarnings;
  readonly entries: NodeEntries;
  #isLost = false;
  #seq = 0;
  #waitingBytes = 0;

  constructor(
    shared: IpcBackplane,
    readonly limits: IpcLimits,
    private readonly membership: Membership,
    private readonly arrivals: Arrivals,
    private readonly find: (session: string) => ServerSession | undefined,
    private readonly events: NodeEvents,
  ) {
    this.#warnings = new RareWarnings((message) => events.warn(message));
    this.backplane = shared.join(this.id, {
      frame: (topic, frame) => this.#receive(topic, frame),
      restored: (hasMissed) => this.#restored(hasMissed),
      lost: (reason) => {
        this.#isLost = true;
        events.warn(`The backplane is away: ${reason}`);
      },
    });
    const background = this.background.bind(this);
    this.entries = new NodeEntries(this.backplane, membership, find, background);
    const send = (node: string, head: UnsentHead, value: unknown) => this.send(node, head, value);
    this.#requests = new NodeRequests(send, (session) => this.ownerOf(session), find);
  }

  /** Finds the node of a session; `undefined` without one. */
  ownerOf(session: string): Promise<string | undefined> {
    return this.entries.ownerOf(session);
  }

  /** Whether a node is connected to the backplane, or may be: others may need time to come back. */
  async lives(node: string): Promise<boolean> {
    return !this.isComplete || this.backplane.lives(node);
  }

  /** Whether the backplane knows all sessions: not at once after it has lost its memory. */
  get isComplete(): boolean {
    return performance.now() - this.#returnedAt > RETURN_MS;
  }

  /** The number of the last frame of this node. */
  get lastSeq(): number {
    return this.#seq;
  }

  /** Sends a frame to a node. Rejects if it may be lost. */
  async send(
    node: string,
    head: UnsentExchange | UnsentHead,
    value?: unknown,
    bytes?: Uint8Array,
  ): Promise<void> {
    const encoded = bytes ? { json: undefined, parts: [bytes] } : encodeIpcValue(value);
    const frame = encodeNodeFrame({ ...head, ...this.#origin() }, encoded, this.limits);
    await this.put(frame, () => this.backplane.send(node, frame));
  }

  /** Sends a frame to the nodes that {@link follow} a topic. Rejects if it may be lost. */
  async publish(topic: string, head: UnsentExchange): Promise<void> {
    const frame = encodeNodeFrame({ ...head, ...this.#origin() }, encodeIpcValue(null), this.limits);
    await this.put(frame, () => this.backplane.publish(topic, frame));
  }

  /** Receives what other nodes send to a topic without members of its own. */
  follow(topic: string): void {
    this.#followed.add(topic);
    this.background('subscribe', this.backplane.subscribe(topic));
  }

  /** Receives what other nodes send to a topic that has a member here. */
  async subscribe(name: string): Promise<void> {
    const topic = this.membership.topics.get(name);
    if (!topic) return;
    topic.subscribed ??= this.backplane.subscribe(name).catch((error: unknown) => {
      topic.subscribed = undefined;
      throw error;
    });
    await topic.subscribed;
  }

  /** A session has come into a topic. @param entry its entry in the list of members */
  async joined(name: string, session: string, entry: string): Promise<void> {
    await Promise.all([this.subscribe(name), this.entries.set(name, session, entry)]);
  }

  /** A session has left a topic. The entry of one that has moved is that of its node by now, or is about to be. */
  async left(name: string, { id, hasMoved }: ServerSession): Promise<void> {
    await Promise.all([hasMoved ? undefined : this.entries.remove(name, id), this.unsubscribe(name)]);
  }

  /** Ends the subscription of a topic, unless it has a member. */
  async unsubscribe(name: string): Promise<void> {
    if (!this.membership.topics.has(name) && !this.arrivals.wants(name))
      await this.backplane.unsubscribe(name);
  }

  /**
   * Sends a notification to the other nodes with members of topics.
   *
   * @returns a function that sends it
   * @throws NumberedError if a value cannot be sent
   */
  notice(topics: readonly string[], except: readonly string[], message: OutgoingNotice): () => Promise<void> {
    const value = message.data.encode();
    const { channel, trace } = message;
    // One number for all topics: a node sends the first frame to the members of all, and ignores the others.
    const several = topics.length > 1 ? topics : [];
    const head = { kind: 'notice', topics: several, except, channel, trace, ...this.#origin() } as const;
    const frame = encodeNodeFrame(head, value, this.limits);
    return async () => {
      const published = topics.map((topic) => this.put(frame, () => this.backplane.publish(topic, frame)));
      const all = Promise.all(published);
      this.background('send a notification', all);
      await all;
    };
  }

  /**
   * Reports a change of a room to the nodes that watch it.
   *
   * @param entry the entry of the member
   * @returns resolves when the report is sent, or has failed; never rejects
   */
  change(room: string, type: 'join' | 'leave', session: string, entry: string): Promise<void> {
    const head = { kind: 'presence', type, session, ...this.#origin() } as const;
    const frame = encodeNodeFrame(head, { json: entry, parts: [] }, this.limits);
    const sent = this.put(frame, () => this.backplane.publish(watchTopic(room), frame));
    this.background('report a member', sent);
    return sent.catch(() => undefined);
  }

  /** Watches a room over all nodes. @param group the group of its members */
  watch(room: string, group: string, watch: PresenceWatch): void {
    this.#watches.set(room, watch);
    this.follow(watchTopic(room));
    watch.follow(() => this.backplane.list(group));
  }

  unwatch(room: string): void {
    this.#watches.delete(room);
    this.#followed.delete(watchTopic(room));
    this.background('unsubscribe', this.backplane.unsubscribe(watchTopic(room)));
  }

  /** Sends a message or a call to a session of another node. */
  ask(request: SessionRequest, options: RemoteCallOptions): Promise<unknown> {
    return this.#requests.ask(request, options);
  }

  /** The entries of a group. */
  list(group: string): Promise<BackplaneEntry[]> {
    return this.backplane.list(group);
  }

  /** Ends the node. Never rejects. */
  async close(): Promise<void> {
    this.exchange?.close();
    await this.backplane.leave();
  }

  /** Logs a warning. */
  warn(what: string, error: unknown): void {
    this.#warnings.add(what, messageOf(error));
  }

  /** Logs the failure of work, whether or not somebody waits for it. @param what completes "The backplane could not" */
  background(what: string, work: Promise<unknown>): void {
    work.catch((error: unknown) => this.warn(`The backplane could not ${what}`, error));
  }

  #origin(): { readonly from: string; readonly seq: number } {
    return { from: this.id, seq: ++this.#seq };
  }

  /** Counts the bytes that wait for the backplane. */
  async put<T>({ byteLength }: Uint8Array, send: () => Promise<T>): Promise<T> {
    const { backplaneBytes } = this.limits;
    if (this.#waitingBytes + byteLength > backplaneBytes)
      throw new BackplaneError('full', `More than ${backplaneBytes} bytes wait for the backplane.`);
    this.#waitingBytes += byteLength;
    try {
      return await send();
    } finally {
      this.#waitingBytes -= byteLength;
    }
  }

  /** Whatever another node sends harms nobody here. */
  #receive(topic: string | undefined, bytes: Uint8Array): void {
    try {
      const frame = decodeNodeFrame(bytes, this.limits);
      const { from, seq } = frame.head;
      if (from === this.id) return;
      const isShared = frame.head.kind === 'notice' && frame.head.topics.length > 0;
      const place = this.order.placeOf(topic, from, seq, isShared, this.arrivals.last);
      if (place === 'new') this.#take(topic, frame);
      else if (place !== 'old') this.#takeAgain(topic!, frame, place);
    } catch (error) {
      this.warn('A frame of another node was ignored', error);
    }
  }

  /**
   * Another topic brought this notification before. Sessions that began to come here after that did not see it.
   *
   * @param lastArrival the last arrival that had begun by then
   */
  #takeAgain(topic: string, { head, value }: NodeFrame, lastArrival: number): void {
    if (head.kind === 'notice' && this.arrivals.hasBegun(lastArrival))
      this.arrivals.offerAgain(readNotice(topic, head, value(), this.limits), topic, lastArrival);
  }

  #take(topic: string | undefined, { head, value, parts }: NodeFrame): void {
    const { limits } = this;
    if (head.kind === 'relay' || head.kind === 'move') {
      // Over a topic, only what has to come behind the notifications of others.
      if (topic === undefined || (head.kind === 'move' && head.type === 'give'))
        this.exchange?.receive(head, value, parts[0]);
    } else if (topic === undefined) {
      if (head.kind === 'reply') this.#requests.settle(head, value);
      else if (head.kind === 'request') void this.#requests.serve(head, () => readArguments(value(), limits));
    } else if (head.kind === 'notice') this.events.deliver(readNotice(topic, head, value(), limits));
    else if (head.kind === 'presence') {
      const room = topic.slice(watchTopic('').length);
      const { user, data } = value() as { user?: unknown; data?: unknown };
      this.#watches.get(room)?.changed(head.type, { session: head.session, user, data });
    }
  }

  #restored(hasMissed: boolean): void {
    this.#returnedAt = performance.now();
    if (this.#isLost) this.events.warn('The backplane is back.');
    this.#isLost = false;
    this.exchange?.restored(hasMissed);
    if (hasMissed) {
      const what = 'The backplane has lost frames';
      this.#warnings.add(what, 'sessions of this node may have missed notifications');
    }
    for (const topic of this.#followed) this.background('subscribe', this.backplane.subscribe(topic));
    for (const [name, topic] of this.membership.topics) {
      topic.subscribed = undefined;
      this.background('subscribe', this.subscribe(name));
    }
    this.entries.restored(this.events.sessions());
    for (const watch of this.#watches.values()) void watch.compare();
  }
}
