import type { ServerSession } from '../dispatcher/server.session.js';
import { unwatched } from '../message/link.js';
import type { Notification } from '../node/arrivals.js';

/** Sends a notification to a member. Resolves as `IpcSession.send`, and when the session has ended. */
export function sendTo(session: ServerSession, notification: Notification): Promise<void> {
  session.delivered?.(notification);
  return session.push(notification.message).catch(() => undefined);
}

/** Most senders do not wait. A failure of the backplane rejects for those who do; the log has it anyway. */
export function bothOf(local: Promise<unknown>, remote: Promise<void> | undefined): Promise<void> {
  return unwatched(Promise.all([local, remote]).then(() => undefined));
}
