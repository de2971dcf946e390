import { Injectable } from '@nestjs/common';
import type { ActivityTrace, TracedCall, TracedLine } from '../activity-trace.rpc.js';

/** Calls, and lines, that are remembered: enough for the clicks of some minutes, and some 1 MB at the most. */
const KEPT = 2000;
/** A longer line is cut: what is logged may be what a client has sent. */
const LONGEST_LINE = 500;

/** Remembers the latest calls and log lines of this backend, by the activities that they were part of. */
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

/** The latest entries; a new one takes the place of the oldest. */
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

/** Now, in milliseconds since the epoch, with what a clock has behind the point. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
