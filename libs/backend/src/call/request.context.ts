import { AsyncLocalStorage } from 'node:async_hooks';
import { Activity } from '@linnet/common';
import { observer, oneLine } from '@linnet/common/internal';

// One storage per process is right: it holds nothing itself, and contexts nest by call, not by server.
const storage = new AsyncLocalStorage<Activity>();

/** The request that the running code belongs to. */
export class ClientRequestContext extends Activity {
  /**
   * The activity of the current call. After the answer, work that goes on still has the ids of the call and its session, but no
   * deadline, signal, credentials and user. Outside of any call: an activity whose fields are empty.
   */
  static get current(): Activity {
    return storage.getStore()?.present ?? new Activity();
  }

  /** Whether the running code belongs to a call or a correlated request. */
  static get isActive(): boolean {
    return storage.getStore() !== undefined;
  }

  /** Runs code as part of an activity; for work that a call starts by other means than its own promises. */
  static run<T>(activity: Activity, work: () => T): T {
    return enter(activity, work);
  }
}

/** Runs work as part of an activity, and returns what the work returns. */
type Around = <T>(activity: Activity, work: () => T) => T;

/** Contexts of other libraries in this process, of which most processes have none. */
const arounds = new Set<Around>();

/** Registers a function that runs around the work of every activity. @returns a function that removes it */
export function aroundActivities(around: Around): () => void {
  arounds.add(around);
  return () => void arounds.delete(around);
}

function enter<T>(activity: Activity, work: () => T): T {
  if (arounds.size === 0) return storage.run(activity, work);
  let inside = () => storage.run(activity, work);
  for (const around of arounds) {
    const next = inside;
    inside = () => around(activity, next);
  }
  return inside();
}

/** Runs work as part of an activity, if there is one. */
export function runWithin<T>(activity: Activity | undefined, work: () => T): T {
  return activity ? enter(activity, work) : work();
}

/** Runs work as part of an activity that ends with the work: what goes on behind it has the ids only. */
export async function runUntilDone<T>(activity: Activity, work: () => Promise<T>): Promise<T> {
  try {
    return await enter(activity, work);
  } finally {
    activity.answered();
  }
}

/**
 * The fields that log lines of the running code have, by the names log browsers know: those of the current call, and with
 * telemetry those of the active span. Empty outside of both.
 */
export function activityFields(): Record<string, string> {
  const activity = storage.getStore();
  const more = observer?.logFields?.();
  if (!activity) return { ...more };
  return {
    ...more,
    ActivityId: oneLine(activity.activityId),
    SessionId: oneLine(activity.sessionId),
    ApplicationId: oneLine(activity.applicationId),
    ApplicationVersion: oneLine(activity.applicationVersion),
    rpcMethod: oneLine(activity.rpcMethod),
  };
}
