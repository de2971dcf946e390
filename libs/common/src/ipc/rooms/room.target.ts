import { wireChannel } from '../channel/channel.js';
import type { IpcChannelLike } from '../channel/channel.js';
import { makeNotifier } from '../channel/notifier.js';
import type { IpcNotifier } from '../channel/proxy.js';
import type { IpcSession } from '../channel/session.js';

/** Sends a message to topics. */
export type SendToTopics = (
  topics: readonly string[],
  except: readonly string[],
  wireName: string,
  args: unknown[],
) => Promise<void>;

/** The members of rooms, or the sessions of a user, on all nodes. */
export class IpcRoomTarget {
  constructor(
    private readonly sendTo: SendToTopics,
    private readonly topics: readonly string[],
    private readonly excluded: readonly string[] = [],
  ) {}

  /**
   * The same target without some sessions, for instance without the one whose call is being served. With a backplane up to
   * `sessionRooms` of them, or {@link send} throws.
   */
  except(...sessions: readonly (IpcSession | string)[]): IpcRoomTarget {
    const ids = sessions.map((each) => (typeof each === 'string' ? each : each.id));
    return new IpcRoomTarget(this.sendTo, this.topics, [...this.excluded, ...ids]);
  }

  /**
   * Sends a message. The messages of one node arrive in its order.
   *
   * @returns resolves when the frontends of this node keep up, without those whose sessions end meanwhile, and the backplane is
   * sure to deliver to the other nodes; rejects with a `BackplaneError` if it may not: members on this node have the message
   * @throws NumberedError if a value or a name cannot be sent
   */
  send(channel: IpcChannelLike, ...args: unknown[]): Promise<void> {
    return this.sendTo(this.topics, this.excluded, wireChannel(channel), args);
  }

  /** Typed notifications: `host.to('floor-2').notifications(robotChannel).moved(id, position)`; see {@link send}. */
  notifications<Functions extends object, Notifications extends object>(
    channel: IpcChannelLike<Functions, Notifications>,
  ): IpcNotifier<Notifications> {
    return makeNotifier(channel, (...args) => this.send(channel, ...args));
  }
}
