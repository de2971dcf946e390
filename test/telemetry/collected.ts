import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import type { ReadableSpan, Sampler } from '@opentelemetry/sdk-trace-base';
import { until } from '../harness/waiting.js';

/** The spans of this test file, as an SDK collects them. */
export class Collected {
  readonly #exporter = new InMemorySpanExporter();

  constructor(sampler?: Sampler) {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    propagation.setGlobalPropagator(
      new CompositePropagator({
        propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()],
      }),
    );
    const spanProcessors = [new SimpleSpanProcessor(this.#exporter)];
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors, sampler }));
  }

  get spans(): ReadableSpan[] {
    return this.#exporter.getFinishedSpans();
  }

  /** Waits for spans with this name. */
  async named(name: string, count = 1): Promise<ReadableSpan[]> {
    return until(() => {
      const found = this.spans.filter((span) => span.name === name);
      return found.length >= count && found;
    });
  }

  /** The only span with this name and kind, as soon as it has ended. */
  async one(name: string, kind: number): Promise<ReadableSpan> {
    return until(() => this.spans.find((span) => span.name === name && span.kind === kind));
  }

  reset(): void {
    this.#exporter.reset();
  }

  end(): void {
    trace.disable();
    context.disable();
    propagation.disable();
  }
}

/** Whether a span is the parent of another one. */
export function isParent(parent: ReadableSpan, child: ReadableSpan): boolean {
  const { traceId, spanId } = parent.spanContext();
  return child.spanContext().traceId === traceId && child.parentSpanContext?.spanId === spanId;
}
