import {
  context,
  createContextKey,
  isSpanContextValid,
  propagation,
  ROOT_CONTEXT,
  trace,
  TraceFlags,
} from '@opentelemetry/api';
import type { Context, Span } from '@opentelemetry/api';
import type { ObservedCall, TraceFields } from '../base/observer.js';

/** The fields of W3C, which a propagator writes and reads. The fields of other formats do not travel. */
interface Carrier {
  traceparent?: string;
  tracestate?: string;
  baggage?: string;
}

/** A context with a span. It is made when it is read: small calls that are not sampled may never read theirs. */
export class SpanContext implements Context {
  #made: Context | undefined;

  /** @param span default: one that is not sampled */
  constructor(
    private readonly parent: Context,
    private readonly span?: Span,
  ) {}

  getValue(key: symbol): unknown {
    return this.#whole.getValue(key);
  }

  setValue(key: symbol, value: unknown): Context {
    return this.#whole.setValue(key, value);
  }

  deleteValue(key: symbol): Context {
    return this.#whole.deleteValue(key);
  }

  get #whole(): Context {
    return (this.#made ??= this.span
      ? trace.setSpan(this.parent, this.span)
      : trace.setSpanContext(this.parent, unsampled()));
  }
}

/**
 * The context of a call that is not sampled, decided without the SDK; `undefined` if its sampler decides. A span that is not
 * sampled makes spans below it follow, also those of other libraries.
 *
 * @param ratio the part of the traces that begin here and may be sampled
 */
export function unsampledContext(parent: Context, ratio: number): Context | undefined {
  const above = parent === ROOT_CONTEXT ? undefined : trace.getSpanContext(parent);
  if (above && isSpanContextValid(above)) return above.traceFlags & TraceFlags.SAMPLED ? undefined : parent;
  return Math.random() < ratio ? undefined : new SpanContext(parent);
}

function unsampled() {
  return { traceId: randomHex(32), spanId: randomHex(16), traceFlags: TraceFlags.NONE };
}

/** Ids need not be secret. One of zeros alone would be none. */
function randomHex(length: number): string {
  let text = '1';
  while (text.length < length)
    text += Math.floor(Math.random() * 0x100000000)
      .toString(16)
      .padStart(8, '0');
  return text.slice(0, length);
}

/** Contexts as they travel. A call may send thousands of messages, all of which have its context. */
const written = new WeakMap<Context, { readonly fields: TraceFields | undefined }>();

/** A context as it travels; `undefined` if no propagator writes anything. */
export function fieldsOf(of: Context): TraceFields | undefined {
  let known = written.get(of);
  if (!known) written.set(of, (known = { fields: write(of) }));
  return known.fields;
}

function write(of: Context): TraceFields | undefined {
  const carrier: Carrier = {};
  propagation.inject(of, carrier);
  const { traceparent = '', tracestate = '', baggage = '' } = carrier;
  return traceparent === '' && baggage === '' ? undefined : [traceparent, tracestate, baggage];
}

function extracted(base: Context, [traceparent, tracestate, baggage]: TraceFields): Context {
  return propagation.extract(base, {
    ...(traceparent !== '' && { traceparent }),
    ...(tracestate !== '' && { tracestate }),
    ...(baggage !== '' && { baggage }),
  });
}

/** Whether a span has not ended. A span without samples does not say so, and harms nothing. */
function isLive(span: Span): boolean {
  return span.isRecording() || (span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0;
}

/**
 * The context that a call at its server belongs to.
 *
 * Over HTTP it is that of an instrumentation of `node:http`, unless it is another one than the client has sent: a server that
 * began to listen within a span has that span around all its connections. A message arrives in the context of
 * whatever opened its session, so that only what it carries counts.
 */
export function serverContext({ transport, trace: fields }: ObservedCall): Context {
  if (transport !== 'http') return fields ? extracted(ROOT_CONTEXT, fields) : ROOT_CONTEXT;
  const active = context.active();
  if (active === ROOT_CONTEXT && !fields) return active;
  const span = trace.getSpan(active);
  if (span && isLive(span) && (!fields || fields[0] === '' || isOf(fields[0], span))) return active;
  const base = span ? trace.deleteSpan(active) : active;
  return fields ? extracted(base, fields) : base;
}

function isOf(traceparent: string, span: Span): boolean {
  return traceparent.slice(3, 35) === span.spanContext().traceId;
}

/** By which `@opentelemetry/core` finds what an instrumentation of `node:http` reports about a request. */
const RPC_METADATA = createContextKey('OpenTelemetry SDK Context Key RPC_METADATA');

/** Names the route of a request to the instrumentation of `node:http`, and the operation on its span. */
export function nameHttpSpan(around: Context, name: string): void {
  const metadata = around.getValue(RPC_METADATA) as { route?: string; span?: Span } | undefined;
  if (!metadata?.span) return;
  const route = `/*/${name}`;
  metadata.route = route;
  metadata.span.setAttribute('http.route', route);
  metadata.span.setAttribute('rpc.method', name);
}
