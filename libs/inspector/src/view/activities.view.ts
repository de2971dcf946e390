import type { ActivityRow, CallRow, Calls, LineRow } from '../channel/inspector.ipc.js';
import type { RecordedCall } from '../record/recorded.call.js';
import type { Recorder } from '../record/recorder.js';
import { firstOf } from './first.of.js';

const MOST_ACTIVITIES = 50;
const MOST_CALLS = 500;
const MOST_LINES = 500;
const MOST_LISTED = 50;

/** Calls that run, the longest first, and then calls that have ended, the latest first. */
function* callsOf({ running, ended, slow, failed }: Recorder): Generator<RecordedCall> {
  // These are kept longer than others.
  const rest = new Set([...slow, ...failed]);
  yield* running;
  for (const call of ended) {
    rest.delete(call);
    yield call;
  }
  yield* rest;
}

/** The calls of an activity in this process, in any order, and its log lines, the oldest first. */
export function activityOf(recorder: Recorder, id: string): { calls: CallRow[]; lines: LineRow[] } {
  const isOwn = ({ activityId }: { activityId: string }) => activityId === id;
  return {
    calls: firstOf(callsOf(recorder), MOST_CALLS, isOwn).map(({ row }) => row),
    lines: firstOf(recorder.lines, MOST_LINES, isOwn).toReversed(),
  };
}

/** The latest activities. @param search part of an id or the name of a call, in lower case; `''`: all */
export function latestActivities(recorder: Recorder, search: string): ActivityRow[] {
  const found = new Map<string, { -readonly [Name in keyof ActivityRow]: ActivityRow[Name] }>();
  for (const { activityId, method, start, failed } of callsOf(recorder)) {
    if (activityId === '') continue;
    const known = found.get(activityId);
    if (!known && found.size >= MOST_ACTIVITIES) continue;
    if (!known && !activityId.toLowerCase().includes(search) && !method.name.toLowerCase().includes(search))
      continue;
    const activity = known ?? { id: activityId, name: method.name, start, calls: 0, failed: false };
    activity.calls++;
    activity.failed ||= failed;
    if (start <= activity.start) Object.assign(activity, { name: method.name, start });
    found.set(activityId, activity);
  }
  return [...found.values()].toSorted((a, b) => b.start - a.start);
}

/** The calls in flight, slow calls and failed calls that contain a text in lower case. */
export function selectedCalls(recorder: Recorder, search: string): Calls {
  const select = (calls: Iterable<RecordedCall>) =>
    firstOf(calls, MOST_LISTED, (call) => call.matches(search)).map(({ row }) => row);
  const { running, slow, failed } = recorder;
  return { running: select(running), count: running.count, slow: select(slow), failed: select(failed) };
}
