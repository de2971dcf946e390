// Has observers follow the calls of a server, as the environment asks: BENCH_OBSERVER.
import type { DynamicModule } from '@nestjs/common';

/** Modules that observe, for the module of a server. Without an observer nothing is loaded. */
export const observers: DynamicModule[] = [];

switch (process.env['BENCH_OBSERVER']) {
  case 'no-sdk': {
    const { enableTelemetry } = await import('@linnet/common/telemetry');
    enableTelemetry();
    break;
  }
  case 'sampled': {
    const { context, propagation, trace } = await import('@opentelemetry/api');
    const { AsyncLocalStorageContextManager } = await import('@opentelemetry/context-async-hooks');
    const { W3CTraceContextPropagator } = await import('@opentelemetry/core');
    const { BasicTracerProvider, BatchSpanProcessor, ParentBasedSampler, TraceIdRatioBasedSampler } =
      await import('@opentelemetry/sdk-trace-base');
    const { enableTelemetry } = await import('@linnet/common/telemetry');
    const exporter = {
      export: (_spans: unknown, done: (result: { code: number }) => void) => done({ code: 0 }),
      shutdown: () => Promise.resolve(),
    };
    trace.setGlobalTracerProvider(
      new BasicTracerProvider({
        sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(0.01) }),
        spanProcessors: [new BatchSpanProcessor(exporter)],
      }),
    );
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    propagation.setGlobalPropagator(new W3CTraceContextPropagator());
    enableTelemetry();
    break;
  }
  case 'inspector': {
    const { InspectorModule } = await import('@linnet/inspector');
    observers.push(InspectorModule.forRoot({ authorize: () => true }));
    break;
  }
  default:
}
