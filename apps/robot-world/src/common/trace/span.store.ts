import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { TracedSpan } from '../activity-trace.rpc.js';

/** Spans that are kept: enough for some minutes of clicks. A new one replaces the oldest. */
const KEPT = 5000;
const NAME_LENGTH = 200;

/** Keeps the latest spans of a process or a page, so that they can be shown without any other server. */
export class SpanStore implements SpanProcessor {
  readonly #spans: TracedSpan[] = [];
  #next = 0;

  /** @param tier names the process or page */
  constructor(private readonly tier: string) {}

  /** The spans of a trace. */
  of(traceId: string): TracedSpan[] {
    return this.#spans.filter((span) => span.traceId === traceId);
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    const { name, kind, startTime, endTime, status, parentSpanContext } = span;
    const { traceId, spanId } = span.spanContext();
    this.#spans[this.#next] = {
      traceId,
      spanId,
      parentId: parentSpanContext?.spanId ?? '',
      tier: this.tier,
      name: name.slice(0, NAME_LENGTH),
      kind: ['internal', 'server', 'client', 'producer', 'consumer'][kind] ?? '',
      start: millisecondsOf(startTime),
      end: millisecondsOf(endTime),
      // An error, by the numbers of OpenTelemetry.
      failed: status.code === 2,
    };
    this.#next = (this.#next + 1) % KEPT;
  }

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {}
}

function millisecondsOf([seconds, nanoseconds]: readonly [number, number]): number {
  return seconds * 1000 + nanoseconds / 1e6;
}
