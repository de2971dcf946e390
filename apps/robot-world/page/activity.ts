import type { RpcClientEvent } from '@linnet/frontend';
import type { ActivityTrace, TracedCall, TracedLine } from '../src/common/activity-trace.rpc.js';
import { newId } from './ids.js';

/** A call as this page sees it, from the request to the answer, with all that was repeated. */
interface PageCall extends Omit<TracedCall, 'end'> {
  end?: number;
}

/** A bar of the time line, and who drew it. */
export interface Span extends PageCall {
  tier: string;
}

/** A line of a log, and whose. */
export interface Line extends TracedLine {
  tier: string;
}

/** Where this page itself is listed among the tiers. */
const PAGE = 'page';

/** The effects of one click, in every tier. */
export class Activity {
  readonly id = newId();
  readonly start = now();
  end: number | undefined;
  error: unknown;
  readonly #traces = new Map<string, ActivityTrace>();
  readonly #calls: PageCall[] = [];
  readonly #lines: TracedLine[] = [];

  constructor(
    readonly title: string,
    private readonly changed: (activity: Activity) => void,
  ) {}

  /** All calls that are known of, in the order in which they began, as far as clocks of tiers agree. */
  get spans(): Span[] {
    const traced = [...this.#traces].flatMap(([tier, { calls }]) => calls.map((call) => ({ tier, ...call })));
    const own = this.#calls.map((call) => ({ tier: PAGE, ...call }));
    return [...own, ...traced].toSorted((a, b) => a.start - b.start);
  }

  get lines(): Line[] {
    const traced = [...this.#traces].flatMap(([tier, { lines }]) => lines.map((line) => ({ tier, ...line })));
    const own = this.#lines.map((line) => ({ tier: PAGE, ...line }));
    return [...own, ...traced].toSorted((a, b) => a.time - b.time);
  }

  /** Writes into this page's own log. */
  log(text: string, level = 'log'): void {
    this.#lines.push({ time: now(), level, context: '', text });
    console.debug(`[${this.id}] ${text}`);
    this.changed(this);
  }

  /** Measures a call that this page makes. */
  async time<T>(method: string, call: () => Promise<T>): Promise<T> {
    this.#begin(method);
    try {
      return await call();
    } finally {
      this.#end(method);
    }
  }

  /** Measures a call by what the RPC client tells of it. */
  follow(event: RpcClientEvent): void {
    const method = `RPC ${event.operation}`;
    if (event.kind === 'request' && event.attempt === 1) this.#begin(method);
    if (event.kind === 'response') this.#end(method);
    if (event.kind === 'pending') this.log(`${event.operation} is pending: ${event.message}`);
    if (event.kind === 'retry') this.log(`${event.operation} is asked for again: ${event.reason}`, 'warn');
  }

  /** Takes what a backend remembers, unless it remembers less than it did: it may have been started anew. */
  addTrace(tier: string, trace: ActivityTrace): void {
    if (sizeOf(trace) <= sizeOf(this.#traces.get(tier))) return;
    this.#traces.set(tier, trace);
    this.changed(this);
  }

  finish(error?: unknown): void {
    this.end = now();
    this.error = error;
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

/** Now, in milliseconds since the epoch, as the backends have it. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
