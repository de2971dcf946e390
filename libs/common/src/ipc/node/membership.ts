import type { IpcLimits } from '../../base/limits.js';
import { generalError } from '../../base/numbered.error.js';
import type { ServerSession } from '../dispatcher/server.session.js';
import { isRoom } from './topic.names.js';

/** Pairs of a sender and a topic. Beyond this number the pair is forgotten that has brought nothing for the longest time. */
const MAX_SENDERS = 16_384;
/** Frames to several topics that are remembered. The frames of one notification arrive close together. */
const MAX_SHARED = 4096;

/**
 * Recognizes frames that arrive again. A sender has one sequence of numbers, and a topic brings them in rising order. Topics
 * are apart, and so are frames to this node alone, because a backplane may bring what was sent first to one of them later.
 */
export class FrameOrder {
  /** By topic, and then by sender: the number of the last frame. */
  readonly #last = new Map<string | undefined, Map<string, number>>();
  #pairs = 0;
  /** Frames to several topics, each of which brings them, with the mark at which they came first. */
  readonly #shared = new Map<string, number>();

  /**
   * Finds the place of a frame.
   *
   * @param topic `undefined` for a frame to this node
   * @param isShared whether it is one frame to several topics
   * @param mark kept for a shared frame that comes for the first time
   * @returns `new` for the first frame with its number, `old` for one that this topic has brought, and otherwise the mark at which
   * another topic has brought it
   */
  placeOf(
    topic: string | undefined,
    from: string,
    seq: number,
    isShared: boolean,
    mark: number,
  ): 'new' | 'old' | number {
    const senders = this.#last.get(topic) ?? new Map<string, number>();
    const last = senders.get(from);
    if ((last ?? -1) >= seq) return 'old';
    if (last === undefined) this.#pairs++;
    // Both move to the end of their maps, so that the first ones are those that bring nothing more.
    senders.delete(from);
    senders.set(from, seq);
    this.#last.delete(topic);
    this.#last.set(topic, senders);
    if (this.#pairs > MAX_SENDERS) this.#forget();
    return isShared ? (this.#markOf(`${seq} ${from}`, mark) ?? 'new') : 'new';
  }

  /** The number of the last frame of each sender in a topic. */
  lastOf(topic: string): ReadonlyMap<string, number> {
    return this.#last.get(topic) ?? new Map();
  }

  #forget(): void {
    const [topic, senders] = this.#last.entries().next().value!;
    senders.delete(senders.keys().next().value!);
    this.#pairs--;
    if (senders.size === 0) this.#last.delete(topic);
  }

  /** @returns the mark at which a frame came before; `undefined` if this is the first time */
  #markOf(frame: string, mark: number): number | undefined {
    const first = this.#shared.get(frame);
    if (first === undefined) this.#shared.set(frame, mark);
    if (this.#shared.size > MAX_SHARED) this.#shared.delete(this.#shared.keys().next().value!);
    return first;
  }
}

/** The sessions of this node that get what is sent to one room, or to one user. */
export class Topic {
  /** With their entry in the list of members. */
  readonly members = new Map<ServerSession, string>();
  /** Resolves when the frames of other nodes arrive; `undefined` without a backplane. */
  subscribed: Promise<void> | undefined;
}

const none: ReadonlySet<string> = new Set();

/** The rooms and users of the sessions of this node, as topics. A topic without a member does not exist. */
export class Membership {
  readonly topics = new Map<string, Topic>();
  readonly #bySession = new Map<ServerSession, Set<string>>();

  constructor(private readonly limits: Pick<IpcLimits, 'sessionRooms' | 'roomMembers'>) {}

  /** The topics of a session. */
  of(session: ServerSession): ReadonlySet<string> {
    return this.#bySession.get(session) ?? none;
  }

  /** Whether another session can be added to a topic. */
  hasSpace(name: string): boolean {
    return (this.topics.get(name)?.members.size ?? 0) < this.limits.roomMembers;
  }

  /**
   * Adds a session, or replaces its entry.
   *
   * @returns whether the session is new in the topic
   * @throws NumberedError if a limit is reached
   */
  add(name: string, session: ServerSession, entry: string): boolean {
    const topic = this.topics.get(name);
    if (topic?.members.has(session)) {
      topic.members.set(session, entry);
      session.topicsChanged?.();
      return false;
    }
    const names = this.#bySession.get(session) ?? new Set<string>();
    // The user of the session is one more topic.
    if (
      names.size >= this.limits.sessionRooms &&
      [...names].filter(isRoom).length >= this.limits.sessionRooms
    )
      throw generalError(`A session can be in ${this.limits.sessionRooms} rooms.`);
    if (!this.hasSpace(name))
      throw generalError(`A room can have ${this.limits.roomMembers} members on one server.`);
    if (topic) topic.members.set(session, entry);
    else this.topics.set(name, newTopic(session, entry));
    this.#bySession.set(session, names.add(name));
    session.topicsChanged?.();
    return true;
  }

  /** Removes a session. @returns whether it was there */
  remove(name: string, session: ServerSession): boolean {
    const topic = this.topics.get(name);
    if (!topic?.members.delete(session)) return false;
    if (topic.members.size === 0) this.topics.delete(name);
    const names = this.#bySession.get(session)!;
    names.delete(name);
    if (names.size === 0) this.#bySession.delete(session);
    session.topicsChanged?.();
    return true;
  }

  /** The members of topics, each once. A copy: members may leave while they are written to. */
  members(names: readonly string[]): ServerSession[] {
    const lists = names.map((name) => [...(this.topics.get(name)?.members.keys() ?? [])]);
    return lists.length === 1 ? lists[0]! : [...new Set(lists.flat())];
  }
}

function newTopic(session: ServerSession, entry: string): Topic {
  const topic = new Topic();
  topic.members.set(session, entry);
  return topic;
}
