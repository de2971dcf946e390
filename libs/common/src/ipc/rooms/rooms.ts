import { throwIfAborted } from '../../base/abort.js';
import { mergeOptions } from '../../base/merge.options.js';
import { generalError } from '../../base/numbered.error.js';
import { sentNotice } from '../../base/observer.js';
import { hiddenError } from '../../error/error.members.js';
import { fromWireChannel } from '../channel/channel.js';
import { preparePush } from '../message/outgoing.message.js';
import type { OutgoingNotice } from '../message/outgoing.message.js';
import type { IpcServer } from '../server/server.js';
import type { ServerSession } from '../dispatcher/server.session.js';
import type { BackplaneNode } from '../node/backplane.js';
import { Arrivals } from '../node/arrivals.js';
import type { Notification } from '../node/arrivals.js';
import { Membership } from '../node/membership.js';
import { askLocal } from '../node/node.requests.js';
import type { RemoteCallOptions, SessionRequest } from '../node/node.requests.js';
import { PresenceWatch, readMember, writeMember } from '../node/presence.js';
import type { RoomChange, RoomMember } from '../node/presence.js';
import { LocalNode } from '../node/local.node.js';
import { IpcRoomTarget } from './room.target.js';
import type { IpcRoomsOptions } from './rooms.options.js';
import { resumeAnywhere } from './resume.anywhere.js';
import { IpcRemoteSession } from './session.handle.js';
import { bothOf, sendTo } from './send.to.js';
import { SessionTransfer } from './session.transfer.js';
import { ALL, isRoom, roomOf, topicOfRoom, topicOfUser } from '../node/topic.names.js';

/**
 * The rooms of a server: named groups of sessions. A room exists while a session is in it. With a backplane the rooms, users and
 * sessions of all nodes are one.
 */
export class IpcRooms {
  readonly #membership: Membership;
  readonly #watches = new Map<string, PresenceWatch>();
  /** Sessions whose end is awaited: each adds one reaction to its promise, however often it joins. */
  readonly #awaited = new WeakSet<ServerSession>();
  /** @internal This server among the nodes of its backplane. */
  readonly node: LocalNode | undefined;
  readonly #arrivals: Arrivals;
  /** Whether sessions are listed by their users, and at the backplane. */
  #isTracking = false;

  constructor(
    private readonly server: IpcServer,
    private readonly options: IpcRoomsOptions,
  ) {
    const { limits } = server;
    this.#membership = new Membership(limits);
    this.#arrivals = new Arrivals(limits.bufferedBytes);
    server.useRooms({
      join: (session, room, data) => this.#join(session as ServerSession, room, data),
      leave: (session, room) => this.#leave(session as ServerSession, room),
      of: (session) => [...this.#membership.of(session as ServerSession)].filter(isRoom).map(roomOf),
    });
    const { backplane, report } = options;
    if (!backplane) return;
    this.node = new LocalNode(backplane, limits, this.#membership, this.#arrivals, (id) => server.find(id), {
      deliver: (notification) => void this.#deliver(notification),
      sessions: () => server.sessions as ServerSession[],
      warn: (message) => report?.({ kind: 'warning', message, activity: undefined }),
    });
    this.node.follow(ALL);
    this.#trackSessions();
    const join = (topic: string, session: ServerSession, entry: string) =>
      this.#restore(topic, session, entry);
    const transfer = new SessionTransfer(this.node, this.#membership, this.#arrivals, join);
    resumeAnywhere(server, this.node, transfer, options);
  }

  /** @internal The backplane, for other shared state. */
  get backplane(): BackplaneNode | undefined {
    return this.node?.backplane;
  }

  /** The members of rooms. A session that is in several of them gets a message once. @throws NumberedError if a name is too long */
  to(...rooms: readonly string[]): IpcRoomTarget {
    const { sessionRooms } = this.server.limits;
    if (rooms.length > sessionRooms) throw generalError(`A message can go to ${sessionRooms} rooms.`);
    return new IpcRoomTarget(this.#sendTo, [...new Set(rooms.map((room) => this.#topicOf(room)))]);
  }

  /** All sessions of a user, as `session.user` has it. */
  toUser(user: unknown): IpcRoomTarget {
    const topic = this.#userTopic(user);
    if (topic === undefined) throw generalError('toUser() needs a user that userKey, or JSON, can name.');
    this.#trackSessions();
    return new IpcRoomTarget(this.#sendTo, [topic]);
  }

  /** A session by its id, on whichever node it is. */
  session(id: string, options?: RemoteCallOptions): IpcRemoteSession {
    const defaults = { timeoutMs: this.options.invokeTimeoutMs };
    return new IpcRemoteSession(id, this.#ask, mergeOptions<RemoteCallOptions>(defaults, options));
  }

  /** Sends a message to all sessions of all nodes; see {@link IpcRoomTarget.send}. @param wireName the channel, by its name on the wire */
  sendToAll(wireName: string, args: unknown[]): Promise<void> {
    const message = preparePush(wireName, args, sentNotice(fromWireChannel(wireName)));
    const publish = this.node?.notice([ALL], [], message);
    if (!publish) return this.server.push(message);
    return bothOf(Promise.all(this.#deliver(this.#own([ALL], [], message))), publish());
  }

  /** The members of a room, on all nodes. Rejects with a `BackplaneError` if the other nodes cannot be reached. */
  async presence(room: string): Promise<RoomMember[]> {
    const topic = this.#topicOf(room);
    if (!this.node) return this.#membersOf(topic);
    const entries = await this.node.list(topic);
    return entries.map(readMember).filter((member) => member !== undefined);
  }

  /**
   * Calls a listener for each session that joins or leaves a room, on any node. The sessions of a node that dies leave within
   * seconds.
   *
   * @returns a function that removes the listener
   * @throws NumberedError if the name is too long
   */
  watch(room: string, listener: (change: RoomChange) => void): () => void {
    const topic = this.#topicOf(room);
    const watch = this.#watches.get(room) ?? this.#beginWatch(room, topic);
    // One listener may be added twice.
    const each = (change: RoomChange) => listener(change);
    watch.listeners.add(each);
    return () => {
      watch.listeners.delete(each);
      if (watch.listeners.size > 0 || this.#watches.get(room) !== watch) return;
      this.#watches.delete(room);
      watch.end();
      this.node?.unwatch(room);
    };
  }

  /** Leaves the backplane, after the sessions have ended. Never rejects. */
  async close(): Promise<void> {
    for (const watch of this.#watches.values()) watch.end();
    await this.node?.close();
  }

  #beginWatch(room: string, topic: string): PresenceWatch {
    const watch = new PresenceWatch(room, (thrown) =>
      this.options.report?.({ kind: 'error', thrown, error: hiddenError(''), activity: undefined }),
    );
    this.#watches.set(room, watch);
    watch.begin(this.#membersOf(topic));
    this.node?.watch(room, topic, watch);
    return watch;
  }

  async #join(session: ServerSession, room: string, data: unknown): Promise<void> {
    const topic = this.#topicOf(room);
    const entry = writeMember(session.user, data, this.server.limits.memberText);
    const { authorize } = this.options.rooms ?? {};
    // Only `true` means yes: an Observable, or a text, would let everybody in.
    const verdict: unknown = authorize ? await authorize(session, room) : true;
    if (verdict !== true) throw generalError('This session may not join the room.');
    throwIfAborted(session.signal);
    const isNew = this.#add(topic, session, entry);
    try {
      await this.node?.joined(topic, session.id, entry);
    } catch (error) {
      if (isNew) void this.#leave(session, room).catch(() => undefined);
      throw error;
    }
    await session.settled();
    // It may have left, or ended, meanwhile. A watch that begins after the join knows it already as a member.
    if (isNew && this.#membership.of(session).has(topic)) await this.#changed('join', room, session, entry);
  }

  async #leave(session: ServerSession, room: string): Promise<void> {
    const topic = this.#topicOf(room);
    const entry = this.#membership.topics.get(topic)?.members.get(session);
    if (entry === undefined) return;
    this.#membership.remove(topic, session);
    if (!session.hasMoved) void this.#changed('leave', room, session, entry);
    await this.node?.left(topic, session);
  }

  /** Puts a session that came from another node back into its topic. */
  readonly #restore = (topic: string, session: ServerSession, entry: string): void => {
    this.#add(topic, session, entry);
    this.#background('add a member', this.node!.joined(topic, session.id, entry));
  };

  /** Adds a session to a topic. The end of the session removes it from all. @returns whether it is new there */
  #add(topic: string, session: ServerSession, entry: string): boolean {
    const isNew = this.#membership.add(topic, session, entry);
    if (!this.#awaited.has(session)) {
      this.#awaited.add(session);
      void session.closed.then(() => this.#ended(session));
    }
    return isNew;
  }

  #ended(session: ServerSession): void {
    for (const topic of this.#membership.of(session)) {
      if (isRoom(topic)) this.#background('remove a member', this.#leave(session, roomOf(topic)));
      else {
        this.#membership.remove(topic, session);
        if (this.node) this.#background('remove a member', this.node.left(topic, session));
      }
    }
  }

  #background(what: string, work: Promise<void>): void {
    if (this.node) this.node.background(what, work);
  }

  /** Reports a change to the watches of this node, at once, and to those of others. Never rejects. */
  #changed(
    type: 'join' | 'leave',
    room: string,
    { id }: ServerSession,
    entry: string,
  ): Promise<void> | undefined {
    this.#watches.get(room)?.changed(type, readMember({ key: id, value: entry })!);
    return this.node?.change(room, type, id, entry);
  }

  readonly #sendTo = (
    topics: readonly string[],
    except: readonly string[],
    wireName: string,
    args: unknown[],
  ): Promise<void> => {
    const message = preparePush(wireName, args, sentNotice(fromWireChannel(wireName)));
    // Without a member here nothing encodes the values, and an invalid one would fail only when there is one.
    if (!topics.some((topic) => this.#membership.topics.has(topic))) message.data.encode();
    const publish = this.node?.notice(topics, except, message);
    return bothOf(Promise.all(this.#deliver(this.#own(topics, except, message))), publish?.());
  };

  #own(topics: readonly string[], except: readonly string[], message: OutgoingNotice): Notification {
    const { id: from = '', lastSeq: seq = 0 } = this.node ?? {};
    return { topics, except, message, from, seq };
  }

  /** Sends a message to the members of topics on this node. */
  #deliver(notification: Notification): Promise<void>[] {
    this.#arrivals.offer(notification);
    const { topics, except } = notification;
    const sessions = topics.includes(ALL)
      ? (this.server.sessions as ServerSession[])
      : this.#membership.members(topics);
    const isLeftOut = ({ id }: ServerSession) => except.includes(id) || this.#arrivals.has(id, notification);
    const leavesNobodyOut = except.length === 0 && this.#arrivals.isEmpty;
    const receivers = leavesNobodyOut ? sessions : sessions.filter((each) => !isLeftOut(each));
    return receivers.map((session) => sendTo(session, notification));
  }

  readonly #ask = (request: SessionRequest, options: RemoteCallOptions): Promise<unknown> => {
    const local = this.server.find(request.session);
    return local || !this.node ? askLocal(request, options, local) : this.node.ask(request, options);
  };

  /** Lists sessions by their users, and at the backplane. Without a backplane only from the first `toUser` on. */
  #trackSessions(): void {
    if (this.#isTracking) return;
    this.#isTracking = true;
    this.server.hook({
      onOpen: (session) => this.#track(session as ServerSession),
      onClosed: () => undefined,
    });
    for (const session of this.server.sessions) this.#track(session as ServerSession);
  }

  #track(session: ServerSession): void {
    const { user, id } = session;
    const node = this.node;
    if (node) {
      node.entries.opened(id);
      void session.closed.then(() => session.hasMoved || node.entries.closed(id));
    }
    const topic = session.isOpen ? this.#userTopic(user) : undefined;
    if (topic === undefined) return;
    this.#add(topic, session, '');
    if (node) node.background('list a session of a user', this.#enterUser(node, topic, session));
  }

  /** Lists a session of a user, and ends it if the user has too many on all nodes. */
  async #enterUser(node: LocalNode, topic: string, session: ServerSession): Promise<void> {
    await node.joined(topic, session.id, '');
    // Counted behind its own entry, so that several at once cannot all find space.
    if ((await node.backplane.count(topic)) > this.server.limits.userSessions)
      session.close(1013, 'The user has as many sessions as it can have on all servers.');
  }

  #membersOf(topic: string): RoomMember[] {
    const members = this.#membership.topics.get(topic)?.members ?? [];
    return [...members].map(([{ id: key }, value]) => readMember({ key, value })!);
  }

  #topicOf(room: string): string {
    return topicOfRoom(room, this.server.limits);
  }

  #userTopic(user: unknown): string | undefined {
    return topicOfUser(user, this.options.userKey, this.server.limits);
  }
}
