import { inspect } from 'node:util';
import { observe, textOf } from '@linnet/common/internal';
import type {
  CallWatch,
  ObservedCall,
  ObservedLine,
  ObservedSession,
  Observer,
  SessionWatch,
} from '@linnet/common/internal';
import type { LineRow } from '../channel/inspector.ipc.js';
import { MethodTable } from './method.table.js';
import { ID_LENGTH, RecordedCall } from './recorded.call.js';
import { Ring } from './ring.js';
import { RunningCalls } from './running.calls.js';
import { CallSelection } from './selection.js';
import { shortText } from './short.text.js';
import type { Tail } from './tail.js';

/** Calls and lines that are kept: some megabytes. */
const KEPT_CALLS = 20_000;
const KEPT_LINES = 5_000;
/** Slow calls and failed calls that are kept beside them. */
const KEPT_NOTABLE = 200;
const LINE_LENGTH = 500;
/** Reasons of refusals are a fixed set of words. */
const MOST_REASONS = 100;
/** Percentiles are of the present and the last period. */
const PERIOD_S = 30;
/** The calls of the inspector itself are not recorded. */
const OWN = 'linnet.inspector/';

/** The choice of calls and lines that a recorder keeps. */
export interface RecorderOptions {
  /** From this duration on a call is slow, in milliseconds. */
  readonly slowMs: number;
  /** Whether lines of loggers are kept. */
  readonly lines: boolean;
  /** Whether a session is one of the application. */
  hasSession(id: string): boolean;
}

/** Sees all calls of this process while an inspector is open, and keeps the latest of them in bounded memory. */
export class Recorder implements Observer {
  readonly methods = new MethodTable();
  readonly selection = new CallSelection();
  readonly running = new RunningCalls();
  readonly ended = new Ring<RecordedCall>(KEPT_CALLS);
  readonly slow = new Ring<RecordedCall>(KEPT_NOTABLE);
  readonly failed = new Ring<RecordedCall>(KEPT_NOTABLE);
  readonly lines = new Ring<LineRow>(KEPT_LINES);
  readonly refusals = new Map<string, number>();
  readonly tails = new Set<Tail>();
  errorsPerSecond = 0;
  #errors = 0;
  #seconds = 0;
  readonly #timer = setInterval(() => this.#tick(), 1000).unref();
  readonly #remove: () => void;
  readonly #sink = {
    // `performance.timeOrigin` misses corrections of the clock since the process began.
    epoch: Date.now() - performance.now(),
    ended: (call: RecordedCall) => this.#ended(call),
  };
  /** Absent without lines: a logger then does no work for them. */
  readonly line: ((line: ObservedLine) => void) | undefined;

  constructor(private readonly options: RecorderOptions) {
    this.line = options.lines ? (line) => this.#line(line) : undefined;
    this.#remove = observe(this);
  }

  /** Sees nothing from now on. */
  stop(): void {
    this.#remove();
    clearInterval(this.#timer);
  }

  call(subject: ObservedCall): CallWatch | undefined {
    if (subject.name.startsWith(OWN)) return undefined;
    const weight = this.selection.weightOf(subject.activityId);
    if (weight === 0) return undefined;
    const method = this.methods.of(subject);
    const call = new RecordedCall(this.#sink, method, weight, subject);
    method.calls += weight;
    method.running += weight;
    this.running.add(call);
    return call;
  }

  session({ side, id }: ObservedSession): SessionWatch | undefined {
    if (side === 'client' || !this.options.hasSession(id)) return undefined;
    const show = (change: string) => {
      for (const tail of this.tails) tail.addOther({ type: 'session', id, change, time: Date.now() });
    };
    show('begun');
    return {
      interrupted: () => show('interrupted'),
      resumed: () => show('resumed'),
      ended: (code) => show(`ended with ${code}`),
    };
  }

  refused(given: string): void {
    const isKnown = this.refusals.has(given) || this.refusals.size < MOST_REASONS;
    const reason = isKnown ? given : 'other';
    this.refusals.set(reason, (this.refusals.get(reason) ?? 0) + 1);
    for (const tail of this.tails) tail.addOther({ type: 'refused', reason, time: Date.now() });
  }

  /** Calls each second, in the last second. */
  get perSecond(): number {
    let sum = 0;
    for (const { perSecond } of this.methods) sum += perSecond;
    return sum;
  }

  #line({ activityId, level, context, message }: ObservedLine): void {
    const line: LineRow = {
      tier: '',
      time: Date.now(),
      level,
      context: shortText(context, 100),
      text: shortText(lineText(message), LINE_LENGTH),
      activityId: shortText(activityId, ID_LENGTH),
    };
    this.lines.add(line);
    for (const tail of this.tails) tail.addLine(line);
  }

  #ended(call: RecordedCall): void {
    const { method, duration, failed, weight } = call;
    this.running.delete(call);
    method.running -= weight;
    method.durations.add(duration);
    this.ended.add(call);
    if (duration >= this.options.slowMs) this.slow.add(call);
    if (failed) {
      method.errors += weight;
      this.#errors += weight;
      this.failed.add(call);
    }
    for (const tail of this.tails) tail.addCall(call);
  }

  #tick(): void {
    this.selection.tick();
    for (const method of this.methods) method.tick();
    this.errorsPerSecond = this.#errors;
    this.#errors = 0;
    if (++this.#seconds % PERIOD_S === 0) for (const { durations } of this.methods) durations.turn();
  }
}

/** Prints a logged object: its outer levels, and the beginnings of its lists and texts. */
const PRINTED = {
  depth: 3,
  maxArrayLength: 20,
  maxStringLength: LINE_LENGTH,
  breakLength: Infinity,
  getters: false,
} as const;

function lineText(message: unknown): string {
  try {
    if (message instanceof Error) return `${message.name}: ${message.message}`;
    // Bounded: an application may log a request, or a buffer of megabytes.
    return typeof message === 'object' ? inspect(message, PRINTED) : textOf(message);
  } catch {
    return 'A value that cannot be printed.';
  }
}
