import { Injectable } from '@nestjs/common';
import type { ActivityTrace, TracedCall, TracedLine } from '../activity-trace.rpc.js';

/** The number of calls, and of lines, that are kept: enough for some minutes of clicks, and at most about 1 MB. */
const KEPT = 2000;
/** The longest kept line, in characters. Lines may contain text of clients, so that longer ones are cut. */
const LONGEST_LINE = 500;

/** Keeps the latest calls and log lines of this backend, by activity. */
@Injectable()
export class ActivityRecorder {
  readonly #calls = new Ring<TracedCall>();
  readonly #lines = new Ring<TracedLine>();

  addCall(activityId: string, call: TracedCall): void {
    this.#calls.add(activityId, call);
  }

  addLine(activityId: string, line: TracedLine): void {
    this.#lines.add(activityId, { ...line, text: line.text.slice(0, LONGEST_LINE) });
  }

  trace(activityId: string): ActivityTrace {
    return { calls: this.#calls.of(activityId), lines: this.#lines.of(activityId) };
  }
}

/** The latest entries; a new entry replaces the oldest. */
class Ring<T> {
  readonly #entries: { activityId: string; entry: T }[] = [];
  #next = 0;

  add(activityId: string, entry: T): void {
    this.#entries[this.#next] = { activityId, entry };
    this.#next = (this.#next + 1) % KEPT;
  }

  of(activityId: string): T[] {
    const inOrder = [...this.#entries.slice(this.#next), ...this.#entries.slice(0, this.#next)];
    return inOrder.filter((each) => each.activityId === activityId).map(({ entry }) => entry);
  }
}

/** The current time in milliseconds since the epoch, with fractions. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
