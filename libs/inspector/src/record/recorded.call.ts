import type { CallEnd, CallStep, CallWatch, ObservedCall } from '@linnet/common/internal';
import type { CallRow } from '../channel/inspector.ipc.js';
import { errorLabel } from './error.label.js';
import type { Method } from './method.table.js';
import { shortText } from './short.text.js';

/** Longer ids are cut. Ids over IPC are not longer. */
export const ID_LENGTH = 256;

/** Hears of the ends of calls. */
export interface CallSink {
  /** The beginning of `performance.now()`, in milliseconds since the epoch. */
  readonly epoch: number;
  ended(call: RecordedCall): void;
}

/** Follows a call, and is the record of it afterwards. It has nothing of its arguments and its result. */
export class RecordedCall implements CallWatch {
  readonly trace = undefined;
  readonly transport: CallRow['transport'];
  readonly activityId: string;
  readonly sessionId: string;
  /** In milliseconds of this process. */
  readonly since = performance.now();
  duration = -1;
  outcome = '';
  failed = false;
  waited = 0;
  items = 0;

  constructor(
    private readonly sink: CallSink,
    readonly method: Method,
    /** How many calls it stands for. */
    readonly weight: number,
    { transport, activityId, sessionId = '' }: ObservedCall,
  ) {
    this.transport = transport;
    this.activityId = shortText(activityId, ID_LENGTH);
    this.sessionId = sessionId;
  }

  run<T>(work: () => T): T {
    return work();
  }

  step(step: CallStep): void {
    if (step.kind === 'item') this.items++;
    else if (step.kind === 'waited') this.waited += step.ms;
  }

  end(end: CallEnd): void {
    if (this.duration >= 0) return;
    this.duration = performance.now() - this.since;
    if (end.kind === 'error') {
      this.failed = true;
      this.outcome = errorLabel(end.error);
    } else this.outcome = end.kind;
    this.sink.ended(this);
  }

  /** When it began, in milliseconds since the epoch. */
  get start(): number {
    return this.sink.epoch + this.since;
  }

  get row(): CallRow {
    const { method, transport, activityId, sessionId, duration, waited, items, outcome, failed, start } =
      this;
    const { name, side, kind } = method;
    const ended = duration < 0 ? undefined : duration;
    const of = { tier: '', name, side, kind, transport, activityId, sessionId };
    return { ...of, start, duration: ended, waited, items, outcome, failed };
  }

  /** Whether a text in lower case is part of its name, its activity or its session. */
  matches(text: string): boolean {
    return (
      text === '' ||
      this.method.name.toLowerCase().includes(text) ||
      this.activityId.toLowerCase().includes(text) ||
      this.sessionId === text
    );
  }
}
