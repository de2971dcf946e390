import {
  createNoopMeter,
  isSpanContextValid,
  metrics,
  propagation,
  ProxyTracerProvider,
  trace,
} from '@opentelemetry/api';
import type { Meter, MeterProvider, TracerProvider } from '@opentelemetry/api';
import { observe } from '../base/observer.js';
import type { CallWatch, ObservedCall, Observer } from '../base/observer.js';
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
  /**
   * The part of the traces that begin in this process and get spans, from 0 to 1. The rest, and calls whose caller is not sampled, only
   * pass their trace on: the SDK is not asked for a span. Calls whose caller is sampled are not affected. Default 1: the sampler of
   * the SDK decides alone.
   */
  readonly sampleRatio?: number;
  /** Makes the spans. Default: the global provider. One that is registered later is found within fifty calls. */
  readonly tracerProvider?: TracerProvider;
  /**
   * Makes the instruments. Default: the global provider. One that is registered later is found within fifty calls. Without one
   * nothing is measured.
   */
  readonly meterProvider?: MeterProvider;
  /** Measures the delay of the event loop: `monitorEventLoopDelay()` of `node:perf_hooks`, enabled. Default: not measured. */
  readonly eventLoopDelay?: EventLoopDelay;
}

/**
 * Makes spans and metrics of all calls and sessions of this process or page, in clients and servers of Linnet, by the API of
 * OpenTelemetry. An SDK that is registered later is found after some calls.
 *
 * @returns a function that ends it
 * @throws Error if it is enabled already
 */
export function enableTelemetry(options: TelemetryOptions = {}): () => void {
  if (current) throw new Error('Telemetry is enabled already: end it first.');
  const telemetry = new Telemetry(options);
  current = telemetry;
  return () => {
    telemetry.stop();
    if (current === telemetry) current = undefined;
  };
}

/** Set while telemetry is enabled. A second time would make spans and metrics of the same calls twice. */
let current: Telemetry | undefined;

/** After so many uses providers are looked for again: each look costs more than the rest of a call without them. */
const PATIENCE = 50;

/** Its functions are absent until there is an SDK for them, so that nothing is made for nobody. */
class Telemetry implements Observer {
  readonly #spans: Tracing;
  /** Whether there is a provider. */
  #isFound = false;
  #hasTracing = false;
  #meters: Meters | undefined;
  #unobserve: (() => void) | undefined;
  /** So many times providers are not looked for. */
  #patience = 0;
  frame: Observer['frame'];
  body: Observer['body'];
  compressed: Observer['compressed'];
  unread: Observer['unread'];
  windowFull: Observer['windowFull'];

  constructor(private readonly options: TelemetryOptions) {
    const { notifications = false, httpHeaders = true, sampleRatio = 1, tracerProvider = trace } = options;
    this.#spans = { tracer: tracerProvider.getTracer('linnet'), notifications, httpHeaders, sampleRatio };
    this.#look();
    this.#unobserve = observe(this);
  }

  stop(): void {
    this.#unobserve?.();
    this.#unobserve = undefined;
  }

  get followsTraces(): boolean {
    return this.#look() && this.#hasTracing;
  }

  get call(): Observer['call'] {
    return this.#look() ? this.#call : undefined;
  }

  get session(): Observer['session'] {
    // Sessions are few and long.
    this.#patience = 0;
    return this.#look() ? this.#session : undefined;
  }

  get refused(): Observer['refused'] {
    return this.#look() ? this.#refused : undefined;
  }

  get logFields(): Observer['logFields'] {
    return this.#look() ? logFields : undefined;
  }

  readonly #call = (subject: ObservedCall): CallWatch | undefined => {
    const span = this.#hasTracing ? watchCall(this.#spans, subject) : undefined;
    return this.#meters ? this.#meters.call(subject, span) : span;
  };

  readonly #session: NonNullable<Observer['session']> = (subject) => {
    const span = this.#hasTracing ? watchSession(this.#spans.tracer, subject) : undefined;
    return this.#meters ? this.#meters.session(subject, span) : span;
  };

  readonly #refused = (reason: string): void => this.#meters?.refused(reason);

  /** Looks now and then for an SDK that may have been registered meanwhile. @returns whether there is one */
  #look(): boolean {
    if (this.#patience > 0) {
      this.#patience--;
      return this.#isFound;
    }
    this.#patience = PATIENCE;
    const { meterProvider, tracerProvider, eventLoopDelay } = this.options;
    const tracing = this.#hasTracing || tracerProvider !== undefined || hasTracing();
    const meter = this.#meters ? undefined : meterOf(meterProvider ?? metrics);
    if (tracing === this.#hasTracing && !meter) return this.#isFound;
    this.#isFound = true;
    this.#hasTracing = tracing;
    if (meter) this.#measure(new Meters(meter, eventLoopDelay));
    // Several observers are joined to one, with the functions that they have at this moment.
    this.#unobserve &&= (this.#unobserve(), observe(this));
    return true;
  }

  #measure(meters: Meters): void {
    this.#meters = meters;
    this.frame = (direction, bytes) => meters.frame(direction, bytes);
    this.body = (direction, bytes) => meters.body(direction, bytes);
    this.compressed = (before, after) => meters.compressed(before, after);
    this.unread = (bytes) => meters.unread(bytes);
    this.windowFull = () => meters.windowFull();
  }
}

const noTracerProvider = new ProxyTracerProvider().getDelegate();
const noMeter = createNoopMeter();

/** Whether spans go somewhere, or a trace is at least passed on. */
function hasTracing(): boolean {
  const provider = trace.getTracerProvider();
  const isNone = provider instanceof ProxyTracerProvider && provider.getDelegate() === noTracerProvider;
  return !isNone || propagation.fields().length > 0;
}

/** The meter of a provider; `undefined` if it measures nothing. */
function meterOf(provider: Pick<MeterProvider, 'getMeter'>): Meter | undefined {
  const meter = provider.getMeter('linnet');
  return meter === noMeter ? undefined : meter;
}

const noFields = {};

/** The ids of the active span, by the names that log browsers know. */
function logFields(): Readonly<Record<string, string>> {
  const context = trace.getActiveSpan()?.spanContext();
  if (!context || !isSpanContextValid(context)) return noFields;
  return { TraceId: context.traceId, SpanId: context.spanId };
}
