import { Activity, isActivityId } from '../../call/activity.js';
import { newId } from '../../base/random.id.js';
import { fromWireChannel } from '../channel/channel.js';
import type { IpcSession } from '../channel/session.js';
import type { InvokeMessage } from '../message/message.js';

/** The activity of a call. Without an activity id, as on the compatible wire, the call begins a new one. */
export function activityOfCall(session: IpcSession, message: InvokeMessage): Activity {
  const { channel, method, activityId, timeoutMs, isCancellable, trace } = message;
  const name = fromWireChannel(channel);
  const hasTime = typeof timeoutMs === 'number' && timeoutMs > 0;
  const activity = new Activity(
    {
      activityId: isActivityId(activityId) ? activityId : newId(),
      sessionId: session.id,
      accessToken: session.accessToken,
      rpcMethod: typeof method === 'string' && method !== '' ? `${name}.${method}` : name,
      deadline: hasTime ? Date.now() + timeoutMs : undefined,
      trace,
    },
    session,
    // The dispatcher aborts calls that can be cancelled, also when the session ends.
    isCancellable ? null : session,
  );
  activity.identifyBy(session);
  return activity;
}

/** The activity of a message without an answer: a new one. */
export function activityOfNotice(session: IpcSession, channel: string): Activity {
  const activity = new Activity(
    {
      activityId: newId(),
      sessionId: session.id,
      accessToken: session.accessToken,
      rpcMethod: fromWireChannel(channel),
    },
    session,
  );
  activity.identifyBy(session);
  return activity;
}
