import { Activity, isActivityId } from '../../call/activity.js';
import { newId } from '../../base/random.id.js';
import type { IpcMessage } from '../message/message.js';
import type { IpcSession } from './session.js';

/** The name of a channel as its users write it, of its name on the wire. */
export function nameOf(wireName: string): string {
  return wireName.startsWith('itwin.') ? wireName.slice('itwin.'.length) : wireName;
}

/**
 * The activity that a message of a session is part of. On the compatible wire, which carries no activity id,
 * each message starts an activity of its own.
 */
export function activityOf(
  session: IpcSession,
  channel: string,
  method: unknown,
  message?: IpcMessage,
): Activity {
  const name = nameOf(channel);
  const { activityId: id, timeoutMs } = message ?? {};
  const hasTime = typeof timeoutMs === 'number' && timeoutMs > 0;
  const activity = new Activity(
    {
      activityId: isActivityId(id) ? id : newId(),
      sessionId: session.id,
      accessToken: session.accessToken,
      rpcMethod: typeof method === 'string' && method !== '' ? `${name}.${method}` : name,
      deadline: hasTime ? Date.now() + timeoutMs : undefined,
    },
    session,
    id === undefined ? session : null,
  );
  activity.identifyBy(session);
  return activity;
}
