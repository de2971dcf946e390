import type { RpcClientEvent } from '@linnet/frontend';
import type {
  ActivityTrace,
  TracedCall,
  TracedLine,
  TracedSpan,
} from '../../src/common/activity-trace.rpc.js';
import { newId } from '../dom/ids.js';

/** A call as this page sees it: from the first request to the last answer, with all repetitions. */
interface PageCall extends Omit<TracedCall, 'end'> {
  end?: number;
}

/** A bar of the time line, with the tier that the call ran in: the page or a backend. */
export interface Span extends PageCall {
  tier: string;
}

/** A line of a log, with the tier that wrote it. */
export interface Line extends TracedLine {
  tier: string;
}

/** Follows an activity as a trace. */
export interface PageTrace {
  readonly traceId: string;
  /** Runs work within the span of the activity. */
  run<T>(work: () => T): T;
  end(error: unknown): void;
}

/** The name of this page among the tiers. */
const PAGE = 'page';

/** The calls and log lines of one click, in all tiers. */
export class Activity {
  readonly id = newId();
  readonly start = now();
  end: number | undefined;
  error: unknown;
  readonly #traces = new Map<string, ActivityTrace>();
  readonly #calls: PageCall[] = [];
  readonly #lines: TracedLine[] = [];

  readonly #waterfall = new Map<string, TracedSpan>();

  /** @param trace follows the activity as a trace, where the page makes spans */
  constructor(
    readonly title: string,
    private readonly changed: (activity: Activity) => void,
    private readonly trace?: PageTrace,
  ) {}

  /** The id of its trace, where the page makes spans. */
  get traceId(): string | undefined {
    return this.trace?.traceId;
  }

  /** The spans of its trace in all tiers, in the order of their beginning. */
  get waterfall(): TracedSpan[] {
    return sorted([...this.#waterfall.values()], ({ start }) => start);
  }

  /** Takes spans of its trace, some of which may be known. */
  addSpans(spans: readonly TracedSpan[]): void {
    const before = this.#waterfall.size;
    for (const span of spans) this.#waterfall.set(span.spanId, span);
    if (this.#waterfall.size > before) this.changed(this);
  }

  /** Runs work whose calls belong to the trace. Calls behind an `await` in the work do not. */
  within<T>(work: () => T): T {
    return this.trace ? this.trace.run(work) : work();
  }

  /** The same client, whose calls belong to the trace. */
  bind<T extends object>(client: T): T {
    if (!this.trace) return client;
    return new Proxy(client, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => this.within(() => Reflect.apply(member, target, args) as unknown);
      },
    });
  }

  /** All known calls, in the order of their starts by the clocks of the tiers. */
  get spans(): Span[] {
    const traced = [...this.#traces].flatMap(([tier, { calls }]) => calls.map((call) => ({ tier, ...call })));
    const own = this.#calls.map((call) => ({ tier: PAGE, ...call }));
    return sorted([...own, ...traced], ({ start }) => start);
  }

  get lines(): Line[] {
    const traced = [...this.#traces].flatMap(([tier, { lines }]) => lines.map((line) => ({ tier, ...line })));
    const own = this.#lines.map((line) => ({ tier: PAGE, ...line }));
    return sorted([...own, ...traced], ({ time }) => time);
  }

  /** Writes a line to the page's log. */
  log(text: string, level = 'log'): void {
    this.#lines.push({ time: now(), level, context: '', text });
    console.debug(`[${this.id}] ${text}`);
    this.changed(this);
  }

  /** Measures a call that this page makes. */
  async time<T>(method: string, call: () => Promise<T>): Promise<T> {
    this.#begin(method);
    try {
      return await this.within(call);
    } finally {
      this.#end(method);
    }
  }

  /** Measures a call by the events of the RPC client. */
  follow(event: RpcClientEvent): void {
    const method = `RPC ${event.operation}`;
    if (event.kind === 'request' && event.attempt === 1) this.#begin(method);
    if (event.kind === 'response') this.#end(method);
    if (event.kind === 'pending') this.log(`${event.operation} is pending: ${event.message}`);
    if (event.kind === 'retry') this.log(`${event.operation} is repeated: ${event.reason}`, 'warn');
  }

  /** Takes the trace of a backend. A trace that is shorter than before is ignored: the backend has restarted and forgotten. */
  addTrace(tier: string, trace: ActivityTrace): void {
    if (sizeOf(trace) <= sizeOf(this.#traces.get(tier))) return;
    this.#traces.set(tier, trace);
    this.changed(this);
  }

  finish(error?: unknown): void {
    this.end = now();
    this.error = error;
    this.trace?.end(error);
    if (error !== undefined) this.log(messageOf(error), 'error');
    this.changed(this);
  }

  #begin(method: string): void {
    this.#calls.push({ method, start: now() });
    this.changed(this);
  }

  #end(method: string): void {
    const call = this.#calls.find((each) => each.method === method && each.end === undefined);
    if (call) call.end = now();
    this.changed(this);
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function sizeOf(trace?: ActivityTrace): number {
  return trace ? trace.calls.length + trace.lines.length : 0;
}

/** The current time in milliseconds since the epoch, as in the traces of backends. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

/** Sorts a list that nobody else has. */
function sorted<T>(list: T[], placeOf: (item: T) => number): T[] {
  return list.sort((a, b) => placeOf(a) - placeOf(b)); // oxlint-disable-line unicorn/no-array-sort -- not every page has `toSorted`
}
