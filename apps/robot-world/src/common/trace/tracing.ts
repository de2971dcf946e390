import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { enableTelemetry } from '@linnet/common/telemetry';
import { collectorUrl } from './collector.url.js';
import { SpanStore } from './span.store.js';
import { useSpans } from './spans.js';

/**
 * Makes a span of each call of this process. The latest ones are kept in memory. With `OTEL_EXPORTER_OTLP_ENDPOINT` in the
 * environment all of them go to that collector as well.
 *
 * @returns a function that sends the rest of them and ends it
 */
export function startTracing(serviceName: string): () => Promise<void> {
  const store = new SpanStore(serviceName);
  const url = collectorUrl();
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': serviceName }),
    spanProcessors: [store, ...(url ? [new BatchSpanProcessor(new OTLPTraceExporter({ url }))] : [])],
  });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(
    new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }),
  );
  useSpans(store);
  const disable = enableTelemetry();
  return async () => {
    disable();
    await provider.shutdown();
    for (const api of [trace, context, propagation]) api.disable();
    useSpans(undefined);
  };
}
