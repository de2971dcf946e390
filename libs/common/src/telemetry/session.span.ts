import { ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';
import type { Span, Tracer } from '@opentelemetry/api';
import type { ObservedSession, SessionWatch } from '../base/observer.js';

/**
 * Follows a session with two kinds of spans: `session`, from its beginning to its end, and `session interrupted`, from the loss
 * of a connection to the next one.
 */
export function watchSession(tracer: Tracer, { side, id }: ObservedSession): SessionWatch {
  const attributes = { 'linnet.session.side': side, ...(id !== '' && { 'session.id': id }) };
  const kind = SpanKind.INTERNAL;
  const session = tracer.startSpan('session', { kind, attributes }, ROOT_CONTEXT);
  const around = trace.setSpan(ROOT_CONTEXT, session);
  let away: Span | undefined;
  const back = (how: string) => {
    away?.setAttribute('linnet.session.outcome', how);
    away?.end();
    away = undefined;
  };
  return {
    interrupted() {
      session.addEvent('interrupted');
      away ??= tracer.startSpan('session interrupted', { kind, attributes }, around);
    },
    resumed() {
      session.addEvent('resumed');
      back('resumed');
    },
    ended(code) {
      back('ended');
      session.setAttribute('linnet.session.close_code', code);
      session.end();
    },
  };
}
