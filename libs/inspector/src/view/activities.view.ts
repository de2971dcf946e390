import type { ActivityRow, CallRow, Calls, LineRow } from '../channel/inspector.ipc.js';
import type { RecordedCall } from '../record/recorded.call.js';
import type { Recorder } from '../record/recorder.js';

const MOST_ACTIVITIES = 50;
const MOST_CALLS = 500;
const MOST_LINES = 500;
const MOST_LISTED = 50;

/** Calls that run, the longest first, and then calls that have ended, the latest first. */
function* callsOf({ running, ended, slow, failed }: Recorder): Generator<RecordedCall> {
  const seen = new Set<RecordedCall>();
  yield* running;
  yield* ended;
  // These are kept longer than others.
  for (const call of ended) seen.add(call);
  for (const call of [...slow, ...failed]) if (!seen.has(call) && seen.add(call)) yield call;
}

/** The calls of an activity in this process, in the order of their beginning, and its log lines. */
export function activityOf(recorder: Recorder, id: string): { calls: CallRow[]; lines: LineRow[] } {
  const calls: CallRow[] = [];
  for (const call of callsOf(recorder)) {
    if (call.activityId === id) calls.push(call.row);
    if (calls.length === MOST_CALLS) break;
  }
  const lines: LineRow[] = [];
  for (const line of recorder.lines) {
    if (line.activityId === id) lines.push(line);
    if (lines.length === MOST_LINES) break;
  }
  return { calls: calls.toSorted((a, b) => a.start - b.start), lines: lines.toReversed() };
}

/** The latest activities. @param search part of an id or the name of a call, in lower case; `''`: all */
export function latestActivities(recorder: Recorder, search: string): ActivityRow[] {
  const found = new Map<string, { -readonly [Name in keyof ActivityRow]: ActivityRow[Name] }>();
  for (const { activityId, method, since, failed } of callsOf(recorder)) {
    if (activityId === '') continue;
    const known = found.get(activityId);
    if (!known && found.size >= MOST_ACTIVITIES) continue;
    if (!known && !activityId.toLowerCase().includes(search) && !method.name.toLowerCase().includes(search))
      continue;
    const start = performance.timeOrigin + since;
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
  const select = (calls: Iterable<RecordedCall>) => {
    const rows: CallRow[] = [];
    for (const call of calls) {
      if (call.matches(search)) rows.push(call.row);
      if (rows.length === MOST_LISTED) break;
    }
    return rows;
  };
  const { running, slow, failed } = recorder;
  return { running: select(running), count: running.count, slow: select(slow), failed: select(failed) };
}
