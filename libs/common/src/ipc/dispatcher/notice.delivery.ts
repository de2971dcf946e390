import { settle } from '../../base/settle.js';
import type { RunInActivity } from '../../call/result.js';
import type { IpcListener } from '../channel/session.js';
import type { IpcServerLink } from '../message/link.js';
import type { NoticeMessage } from '../message/message.js';
import { fromWireChannel } from '../channel/channel.js';
import { activityOfNotice } from './activity.js';
import type { ChannelRegistry } from './channel.registry.js';
import { answerFailure } from './error.codec.js';
import type { IpcCallDispatcherOptions } from './dispatcher.options.js';
import { watchNotice } from './observed.call.js';
import type { ServerSession } from './server.session.js';

/** Delivers the messages of one session that have no answer to their listeners. */
export class NoticeDelivery {
  constructor(
    private readonly session: ServerSession,
    private readonly link: Pick<IpcServerLink, 'close'>,
    private readonly channels: ChannelRegistry,
    private readonly options: IpcCallDispatcherOptions,
    private readonly run: RunInActivity,
  ) {}

  /**
   * Delivers a message to all listeners of its channel. Never throws.
   *
   * @param begun called before each listener
   * @param ended called when a listener is done
   */
  deliver(message: NoticeMessage, begun: () => void, ended: () => void): void {
    const { channel, data, refusal } = message;
    const { session, options } = this;
    const listeners: IpcListener[] = [
      ...session.listenersOf(channel),
      ...this.channels.listeners.of(channel),
    ];
    if (listeners.length === 0) return;
    const activity = activityOfNotice(session, channel);
    const { arguments: most } = options.limits;
    if (refusal) {
      const text = `A message of channel "${fromWireChannel(channel)}" was ignored: ${refusal.message}`;
      options.report?.({ kind: 'warning', message: text, activity });
      return;
    }
    // A notice cannot be answered with an error.
    if (data.length > most) {
      this.link.close(1008, `A message of more than ${most} arguments.`);
      return;
    }
    const watch = watchNotice(message, session, activity);
    let running = listeners.length;
    const settled = () => {
      if (--running === 0) {
        activity.answered();
        watch?.end({ kind: 'result' });
      }
      ended();
    };
    for (const listener of listeners) {
      begun();
      const work = () => this.run(activity, () => listener({ session, activity }, ...data));
      settle(
        () => (watch ? watch.run(work) : work()),
        settled,
        (thrown) => {
          watch?.end({ kind: 'error', error: thrown });
          settled();
          // The log is the only place for the error.
          answerFailure(thrown, activity, options, true);
        },
      );
    }
  }
}
