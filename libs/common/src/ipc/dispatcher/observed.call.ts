import { observer } from '../../base/observer.js';
import type { CallWatch } from '../../base/observer.js';
import type { Activity } from '../../call/activity.js';
import { settleResult } from '../../call/result.js';
import type { RunInActivity } from '../../call/result.js';
import { observedItems } from '../../stream/observed.items.js';
import { StreamResult } from '../../stream/stream.js';
import type { InvokeMessage, NoticeMessage } from '../message/message.js';
import type { IpcSession } from '../channel/session.js';
import { fromWireChannel } from '../channel/channel.js';
import { IpcAnswer } from './channel.registry.js';
import type { IpcTarget } from './channel.registry.js';
import type { IpcCallDispatcherOptions } from './dispatcher.options.js';

/** The call of a frontend, for {@link settleObserved}. */
interface ObservedTarget {
  readonly target: Pick<IpcTarget, 'name' | 'isRelay'>;
  readonly session: IpcSession;
  readonly message: InvokeMessage;
  readonly activity: Activity;
  readonly options: Pick<IpcCallDispatcherOptions, 'isObserved'>;
}

/** Reports a call that does not begin. */
export function reportRefusal({ isObserved = true }: Pick<IpcCallDispatcherOptions, 'isObserved'>): void {
  if (isObserved) observer?.refused?.('ipc call');
}

/** As {@link settleResult}, for the call of a frontend, which an observer may follow. */
export function settleObserved(
  { target, session, message, activity, options }: ObservedTarget,
  work: () => unknown,
  resolved: (value: unknown) => void,
  rejected: (error: unknown) => void,
  run: RunInActivity,
): void {
  const { isObserved = true } = options;
  const watch =
    isObserved && !target.isRelay
      ? observer?.call?.({
          side: 'server',
          kind: 'ipc',
          transport: 'ipc',
          name: target.name,
          activityId: activity.activityId,
          sessionId: session.id,
          trace: activity.trace,
        })
      : undefined;
  if (!watch) {
    settleResult(work, resolved, rejected, activity, run);
    return;
  }
  if (watch.isPassive) {
    watch.run(() => settleResult(work, resolved, rejected, activity, run));
    return;
  }
  activity.watch = watch;
  if (message.waitedMs !== undefined) {
    watch.step({ kind: 'waits' });
    watch.step({ kind: 'waited', ms: message.waitedMs });
  }
  const failed = (error: unknown) => {
    watch.end({ kind: 'error', error });
    rejected(error);
  };
  watch.run(() =>
    settleResult(work, (value) => resolved(observedAnswer(value, watch)), failed, activity, run),
  );
}

function observedAnswer(value: unknown, watch: CallWatch): unknown {
  if (value instanceof StreamResult) return new StreamResult(observedItems(value.items, watch));
  if (value instanceof IpcAnswer && value.envelope === 'error')
    watch.end({ kind: 'error', error: value.value });
  else watch.end({ kind: 'result' });
  return value;
}

/** Follows a message without an answer that listeners of the application receive. */
export function watchNotice(
  { channel, trace }: NoticeMessage,
  session: IpcSession,
  activity: Activity,
): CallWatch | undefined {
  return observer?.call?.({
    side: 'server',
    kind: 'notification',
    transport: 'ipc',
    name: fromWireChannel(channel),
    activityId: activity.activityId,
    sessionId: session.id,
    trace,
  });
}
