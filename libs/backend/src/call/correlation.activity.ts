import { randomUUID } from 'node:crypto';
import { Activity } from '@linnet/common';

/** The activity that the headers of a request name; one without an id gets a new one. */
export function correlationOf(headers: Readonly<Record<string, string | string[] | undefined>>): Activity {
  const text = (name: string) => String(headers[name] ?? '');
  return new Activity({
    activityId: text('x-correlation-id') || randomUUID(),
    sessionId: text('x-session-id'),
    applicationId: text('x-application-id'),
    applicationVersion: text('x-application-version'),
    accessToken: text('authorization'),
  });
}
