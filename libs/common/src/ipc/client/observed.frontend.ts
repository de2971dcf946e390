import { observer, watched } from '../../base/observer.js';
import type { CallWatch, SessionWatch, TraceFields } from '../../base/observer.js';
import { settle } from '../../base/settle.js';
import { observedItems } from '../../stream/observed.items.js';
import { StreamResult } from '../../stream/stream.js';
import { channelName, fromWireChannel, REPLY_MARK } from '../channel/channel.js';
import type { IpcChannelLike } from '../channel/channel.js';
import { endByEnvelope } from '../channel/envelope.js';
import type { NoticeMessage } from '../message/message.js';
import type { PersistentConnection } from './persistent.connection.js';

/** The frontend of a call. */
interface ObservedFrontend {
  readonly isObserved: boolean;
  readonly address: string | undefined;
}

/** Runs a call of this frontend, which an observer may follow. */
export function observedCall(
  channel: IpcChannelLike,
  method: string,
  { isObserved, address }: ObservedFrontend,
  activityId: string,
  work: (watch: CallWatch | undefined) => Promise<unknown>,
): Promise<unknown> {
  if (!isObserved) return work(undefined);
  const called = { side: 'client', kind: 'ipc', transport: 'ipc', activityId, address } as const;
  return watched(() => ({ ...called, name: `${channelName(channel)}/${method}` }), work, observedAnswer);
}

function observedAnswer(answer: unknown, watch: CallWatch): unknown {
  if (answer instanceof StreamResult) return new StreamResult(observedItems(answer.items, watch));
  return endByEnvelope(answer, watch);
}

/** Answers a call of the backend, as {@link settle} does, and an observer may follow it. */
export function settleAnswer(
  channel: IpcChannelLike,
  { trace }: ReceivedEvent,
  work: () => unknown,
  resolved: (value: unknown) => void,
  rejected: (error: unknown) => void,
): void {
  const name = channelName(channel);
  const watch = observer?.call?.({
    side: 'server',
    kind: 'ipc',
    transport: 'ipc',
    name,
    activityId: '',
    trace,
  });
  if (!watch) {
    settle(work, resolved, rejected);
    return;
  }
  settle(
    () => watch.run(work),
    (value) => {
      watch.end({ kind: 'result' });
      resolved(value);
    },
    (error) => {
      watch.end({ kind: 'error', error });
      rejected(error);
    },
  );
}

/** The first argument of listeners. */
export interface ReceivedEvent {
  readonly trace?: TraceFields;
}

/** Runs the listeners of a message from the backend. The call of a handler is observed by {@link settleAnswer}. */
export function deliverPush(
  { channel, data, trace }: NoticeMessage,
  deliver: (event: ReceivedEvent) => void,
): void {
  const isCall = typeof data[0] === 'string' && data[0].includes(REPLY_MARK);
  const watch = isCall
    ? undefined
    : observer?.call?.({
        side: 'server',
        kind: 'notification',
        transport: 'ipc',
        name: fromWireChannel(channel),
        activityId: '',
        trace,
      });
  if (watch) {
    watch.run(() => deliver({}));
    watch.end({ kind: 'result' });
  } else deliver(isCall && trace ? { trace } : {});
}

/** Has the observer follow the sessions of a connection, if there is an observer. */
export function watchSessions(connection: PersistentConnection): void {
  if (!observer?.session) return;
  let watch: SessionWatch | undefined;
  let isAway = false;
  connection.onStateChange((state, closure) => {
    if (state === 'open') {
      if (isAway) watch?.resumed();
      else watch ??= observer?.session?.({ side: 'client', id: '' });
    } else if (state === 'interrupted') watch?.interrupted();
    else {
      watch?.ended(closure?.code ?? 1000);
      watch = undefined;
    }
    isAway = state === 'interrupted';
  });
}
