import { context, ROOT_CONTEXT, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { Attributes, Context, Span, Tracer } from '@opentelemetry/api';
import type { CallEnd, CallStep, CallWatch, ObservedCall, TraceFields } from '../base/observer.js';
import { describeError, isFault } from './error.type.js';
import { itemBytes } from './item.bytes.js';
import { fieldsOf, SpanContext, nameHttpSpan, serverContext, unsampledContext } from './trace.context.js';

/** The options of telemetry with their defaults, and the source of spans. */
export interface Tracing {
  readonly tracer: Tracer;
  readonly notifications: boolean;
  readonly httpHeaders: boolean;
  readonly sampleRatio: number;
}

/** Begins the span of a call, or only passes its trace on. */
export function watchCall(tracing: Tracing, subject: ObservedCall): CallWatch {
  const isServer = subject.side === 'server';
  const parent = isServer ? serverContext(subject) : context.active();
  const sends = !isServer && (tracing.httpHeaders || subject.transport !== 'http');
  if (subject.kind === 'notification' && !tracing.notifications) return new PassedContext(parent, sends);
  if (isServer && subject.transport === 'http' && parent !== ROOT_CONTEXT) nameHttpSpan(parent, subject.name);
  const unsampled = tracing.sampleRatio < 1 ? unsampledContext(parent, tracing.sampleRatio) : undefined;
  if (unsampled) return new PassedContext(unsampled, sends);
  const options = { kind: kindOf(subject), attributes: attributesOf(subject) };
  const span = tracing.tracer.startSpan(nameOf(subject), options, parent);
  const own = new SpanContext(parent, span);
  if (!span.isRecording()) return new PassedContext(own, sends);
  describe(span, subject);
  return new CallSpan(span, own, sends, isServer);
}

function nameOf({ kind, side, name }: ObservedCall): string {
  if (kind !== 'notification') return name;
  return `${side === 'client' ? 'send' : 'process'} ${name}`;
}

function kindOf({ kind, side }: ObservedCall): SpanKind {
  if (kind === 'notification') return side === 'client' ? SpanKind.PRODUCER : SpanKind.CONSUMER;
  return side === 'client' ? SpanKind.CLIENT : SpanKind.SERVER;
}

/** The attributes that samplers see: https://opentelemetry.io/docs/specs/semconv/rpc/ and …/messaging/. */
function attributesOf({ kind, side, name }: ObservedCall): Attributes {
  if (kind !== 'notification') return { 'rpc.system.name': 'linnet', 'rpc.method': name };
  const operation = side === 'client' ? 'send' : 'process';
  return {
    'messaging.system': 'linnet',
    'messaging.operation.name': operation,
    'messaging.operation.type': operation,
    'messaging.destination.name': name,
  };
}

/** The other attributes, which only a span that is kept needs. */
function describe(span: Span, { transport, activityId, sessionId, address, request }: ObservedCall): void {
  if (transport !== 'message')
    span.setAttribute('network.protocol.name', transport === 'http' ? 'http' : 'linnet.ipc');
  if (activityId !== '') span.setAttribute('linnet.activity.id', activityId.slice(0, 256));
  if (sessionId !== undefined) span.setAttribute('session.id', sessionId);
  const { host, port } = address === undefined ? localAddress(request) : remoteAddress(address);
  if (host !== undefined) span.setAttribute('server.address', host);
  if (port !== undefined) span.setAttribute('server.port', port);
}

interface Address {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
}

function remoteAddress(address: string): Address {
  try {
    const { hostname, port, protocol } = new URL(address);
    return { host: hostname, port: port ? Number(port) : /^(?:http|ws)s:$/.test(protocol) ? 443 : 80 };
  } catch {
    // A path of the page's own origin.
    return {};
  }
}

/** The address at which a request of Node arrived. */
function localAddress(request: unknown): Address {
  const { socket } = Object(request) as { socket?: { localAddress?: string; localPort?: number } };
  return { host: socket?.localAddress, port: socket?.localPort };
}

/** A call without a span of its own: one that is not sampled, or a message. */
class PassedContext implements CallWatch {
  readonly isPassive = true;
  readonly trace: TraceFields | undefined;

  constructor(
    private readonly own: Context,
    sends: boolean,
  ) {
    this.trace = sends ? fieldsOf(own) : undefined;
  }

  run<T>(work: () => T): T {
    return context.with(this.own, work);
  }

  step(): void {}

  end(): void {}
}

class CallSpan implements CallWatch {
  #items = 0;
  #bytes = 0;
  #isOver = false;
  readonly trace: TraceFields | undefined;

  constructor(
    private readonly span: Span,
    private readonly own: Context,
    sends: boolean,
    private readonly isServer: boolean,
  ) {
    this.trace = sends ? fieldsOf(own) : undefined;
  }

  run<T>(work: () => T): T {
    return context.with(this.own, work);
  }

  step(step: CallStep): void {
    const { span } = this;
    switch (step.kind) {
      case 'retry':
        span.addEvent('retry', { 'linnet.retry.reason': step.reason.slice(0, 200) });
        break;
      case 'pending':
        span.addEvent('pending');
        break;
      case 'waits':
        break;
      case 'waited':
        span.addEvent('begun', { 'linnet.queue.wait_ms': step.ms });
        break;
      default:
        if (this.#items++ === 0) span.addEvent('first item');
        this.#bytes += itemBytes(step.value);
    }
  }

  end(end: CallEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { span } = this;
    if (end.kind === 'error') this.#fail(end.error);
    else if (end.kind !== 'result') span.setAttribute('rpc.response.status_code', end.kind);
    if (this.#items > 0) {
      span.setAttribute('linnet.stream.items', this.#items);
      span.setAttribute('linnet.stream.bytes', this.#bytes);
      span.setAttribute('linnet.stream.end', end.kind === 'result' ? 'complete' : end.kind);
    }
    span.end();
  }

  #fail(error: unknown): void {
    const { span } = this;
    const { type, name, message, code, stack } = describeError(error);
    span.setAttribute('error.type', type);
    if (code !== undefined) span.setAttribute('rpc.response.status_code', code);
    // An error that a server means for its caller is not a failure of the server.
    if (this.isServer && !isFault(error)) return;
    span.setStatus({ code: SpanStatusCode.ERROR, message });
    span.recordException({ name, message, ...(this.isServer && { stack }) });
  }
}
