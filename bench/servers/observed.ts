// Has observers follow the calls of a server, as the environment asks: BENCH_OBSERVER.
import type { DynamicModule } from '@nestjs/common';
import type { Sampler } from '@opentelemetry/sdk-trace-base';

/** All of the first spans are recorded: code that runs for one call in a hundred stays slow for minutes, as it is not optimised. */
const FIRST_SPANS = 5000;

/** Modules that observe, for the module of a server. Without an observer nothing is loaded. */
export const observers: DynamicModule[] = [];

switch (process.env['BENCH_OBSERVER']) {
  case 'no-sdk': {
    const { enableTelemetry } = await import('@linnet/common/telemetry');
    enableTelemetry();
    break;
  }
  case 'sampled':
  case 'ratio': {
    const { context, propagation, trace } = await import('@opentelemetry/api');
    const { AsyncLocalStorageContextManager } = await import('@opentelemetry/context-async-hooks');
    const { W3CTraceContextPropagator } = await import('@opentelemetry/core');
    const { BasicTracerProvider, BatchSpanProcessor, ParentBasedSampler, TraceIdRatioBasedSampler } =
      await import('@opentelemetry/sdk-trace-base');
    const { enableTelemetry } = await import('@linnet/common/telemetry');
    const isRatio = process.env['BENCH_OBSERVER'] === 'ratio';
    const exporter = {
      export: (_spans: unknown, done: (result: { code: number }) => void) => done({ code: 0 }),
      shutdown: () => Promise.resolve(),
    };
    const [all, few] = [new TraceIdRatioBasedSampler(1), new TraceIdRatioBasedSampler(0.01)];
    let first = FIRST_SPANS;
    const root: Sampler = {
      shouldSample(around, traceId) {
        if (first-- > 0) return all.shouldSample(around, traceId);
        return (isRatio ? all : few).shouldSample(around, traceId);
      },
      toString: () => 'bench',
    };
    trace.setGlobalTracerProvider(
      new BasicTracerProvider({
        sampler: new ParentBasedSampler({ root }),
        spanProcessors: [new BatchSpanProcessor(exporter)],
      }),
    );
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    propagation.setGlobalPropagator(new W3CTraceContextPropagator());
    const disable = enableTelemetry();
    if (!isRatio) break;
    const timer = setInterval(() => {
      if (first > 0) return;
      clearInterval(timer);
      disable();
      enableTelemetry({ sampleRatio: 0.01 });
    }, 10).unref();
    break;
  }
  case 'inspector': {
    const { InspectorModule } = await import('@linnet/inspector');
    observers.push(InspectorModule.forRoot({ authorize: () => true }));
    break;
  }
  default:
}
