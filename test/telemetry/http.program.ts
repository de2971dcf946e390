// Runs in a process of its own, because the instrumentation replaces parts of node:http. Prints the spans of one call.
import { createRequire } from 'node:module';
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';

const exporter = new InMemorySpanExporter();
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(new W3CTraceContextPropagator());
trace.setGlobalTracerProvider(
  new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
);
registerInstrumentations({ instrumentations: [new HttpInstrumentation()] });
createRequire(import.meta.url)('node:http');

const { startServers } = await import('./http.servers.js');
const { enableTelemetry } = await import('@linnet/common/telemetry');
enableTelemetry();
const spans = await startServers(async (call) => {
  exporter.reset();
  await call();
  while (exporter.getFinishedSpans().length < 3) await new Promise((resolve) => setImmediate(resolve));
  return exporter.getFinishedSpans().map((span) => ({
    name: span.name,
    kind: span.kind,
    attributes: span.attributes,
    parent: span.parentSpanContext?.spanId,
    id: span.spanContext().spanId,
    traceId: span.spanContext().traceId,
  }));
});
process.stdout.write(JSON.stringify(spans), () => process.exit());
