import { isSpanContextValid, metrics, trace } from '@opentelemetry/api';
import type { MeterProvider, TracerProvider } from '@opentelemetry/api';
import { observe } from '../base/observer.js';
import { watchCall } from './call.span.js';
import type { Tracing } from './call.span.js';
import { Meters } from './meters.js';
import type { EventLoopDelay } from './meters.js';
import { watchSession } from './session.span.js';

/** Options of {@link enableTelemetry}. */
export interface TelemetryOptions {
  /** Makes spans of messages without an answer, as of a message broker. Their trace travels in any case. Default `false`. */
  readonly notifications?: boolean;
  /**
   * Sends the trace in the headers of HTTP requests. Set `false` where an instrumentation of `fetch` sends it already.
   * Default `true`.
   */
  readonly httpHeaders?: boolean;
  /** Makes the spans. Default: the global provider, also one that is registered later. */
  readonly tracerProvider?: TracerProvider;
  /** Makes the instruments. Default: the global provider, which has to be registered before. Without one nothing is measured. */
  readonly meterProvider?: MeterProvider;
  /** Measures the delay of the event loop: `monitorEventLoopDelay()` of `node:perf_hooks`, enabled. Default: not measured. */
  readonly eventLoopDelay?: EventLoopDelay;
}

/**
 * Makes spans and metrics of all calls and sessions of this process or page, in clients and servers of Linnet, by the API of
 * OpenTelemetry. Without an SDK they go nowhere.
 *
 * @returns a function that ends it
 * @throws Error if it is enabled already
 */
export function enableTelemetry(options: TelemetryOptions = {}): () => void {
  const { notifications = false, httpHeaders = true, tracerProvider = trace } = options;
  const { meterProvider = metrics, eventLoopDelay } = options;
  if (current) throw new Error('Telemetry is enabled already: end it first.');
  const meters = new Meters(meterProvider.getMeter('linnet'), eventLoopDelay);
  const tracing: Tracing = { tracer: tracerProvider.getTracer('linnet'), notifications, httpHeaders };
  const stop = observe({
    followsTraces: true,
    call: (subject) => meters.call(subject, watchCall(tracing, subject)),
    session: (subject) => meters.session(subject, watchSession(tracing.tracer, subject)),
    refused: (reason) => meters.refused(reason),
    frame: (direction, bytes) => meters.frame(direction, bytes),
    body: (direction, bytes) => meters.body(direction, bytes),
    compressed: (before, after) => meters.compressed(before, after),
    unread: (bytes) => meters.unread(bytes),
    windowFull: () => meters.windowFull(),
    logFields,
  });
  current = stop;
  return () => {
    stop();
    if (current === stop) current = undefined;
  };
}

/** Ends what is enabled. A second time would make spans and metrics of the same calls twice. */
let current: (() => void) | undefined;

const noFields = {};

/** The ids of the active span, by the names that log browsers know. */
function logFields(): Readonly<Record<string, string>> {
  const context = trace.getActiveSpan()?.spanContext();
  if (!context || !isSpanContextValid(context)) return noFields;
  return { TraceId: context.traceId, SpanId: context.spanId };
}
