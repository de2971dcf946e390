import { setTimeout as sleep } from 'node:timers/promises';
import type { LineRow, TailBatch, TailEvent } from '../channel/inspector.ipc.js';
import type { RecordedCall } from './recorded.call.js';

/** The time between two batches, in milliseconds, and the most events of one: 200 lines a second are more than anybody reads. */
const BATCH_MS = 250;
const MOST_EVENTS = 50;
/** Batches that are left out while nothing happens. */
const MOST_EMPTY = 3;

/** A call becomes a row only when it is sent. */
type Kept = RecordedCall | Exclude<TailEvent, { type: 'call' }>;

/** The events that one reader sees while they happen. It never holds more than one batch. */
export class Tail {
  #events: Kept[] = [];
  #dropped = 0;

  /** @param search part of a name, an id or a line, in lower case; `''`: everything */
  constructor(private readonly search: string) {}

  addCall(call: RecordedCall): void {
    if (call.matches(this.search)) this.#add(call);
  }

  addLine(line: LineRow): void {
    const { text, context, activityId } = line;
    if (`${context} ${text} ${activityId}`.toLowerCase().includes(this.search))
      this.#add({ type: 'line', line });
  }

  addOther(event: Extract<TailEvent, { type: 'session' | 'refused' }>): void {
    const text = event.type === 'session' ? `session ${event.id} ${event.change}` : `refused ${event.reason}`;
    if (text.toLowerCase().includes(this.search)) this.#add(event);
  }

  /** Batches, as long as the reader wants them. A slow reader gets fewer. */
  async *batches(signal: AbortSignal): AsyncGenerator<TailBatch> {
    for (let empty = 0; !signal.aborted; empty++) {
      await pause(BATCH_MS, signal);
      // A reader that has left ends the stream at the next batch, so that one comes even if nothing happens.
      if (this.#events.length === 0 && this.#dropped === 0 && empty < MOST_EMPTY) continue;
      empty = -1;
      yield this.#take();
    }
  }

  #add(event: Kept): void {
    if (this.#events.length < MOST_EVENTS) this.#events.push(event);
    else this.#dropped++;
  }

  #take(): TailBatch {
    const events = this.#events.map((event): TailEvent =>
      'type' in event ? event : { type: 'call', call: event.row },
    );
    const dropped = this.#dropped;
    this.#events = [];
    this.#dropped = 0;
    return { events, dropped };
  }
}

/** Resolves after a time, or when a signal is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return sleep(ms, undefined, { signal }).catch(() => undefined);
}
