import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, WebTracerProvider } from '@opentelemetry/sdk-trace-web';
import { enableTelemetry } from '@linnet/common/telemetry';
import { SpanStore } from '../../src/common/trace/span.store.js';
import type { PageTracing } from '../activity/activities.js';
import { messageOf } from '../activity/activity.js';

/** The name of this page among the tiers. */
const PAGE = 'page';
/** Spans in one request, so that it stays below what the backend reads as JSON. */
const BATCH = 50;

/**
 * Makes a span of each activity and of each call of this page. They are kept in its memory.
 *
 * @param sends sends them to the collector of the backend as well
 */
export function startTracing(sends: boolean): PageTracing {
  const store = new SpanStore(PAGE);
  const url = new URL('trace/v1/traces', location.href).href;
  const exporter = () =>
    new BatchSpanProcessor(new OTLPTraceExporter({ url }), { maxExportBatchSize: BATCH });
  const provider = new WebTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'robot-world-page' }),
    spanProcessors: [store, ...(sends ? [exporter()] : [])],
  });
  provider.register({
    propagator: new CompositePropagator({
      propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()],
    }),
  });
  enableTelemetry();
  const tracer = trace.getTracer('robot-world-page');
  return {
    spansOf: (traceId) => store.of(traceId),
    begin(title) {
      const span = tracer.startSpan(title, { root: true });
      const around = trace.setSpan(context.active(), span);
      return {
        traceId: span.spanContext().traceId,
        run: (work) => context.with(around, work),
        end(error) {
          if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
          span.end();
        },
      };
    },
  };
}
