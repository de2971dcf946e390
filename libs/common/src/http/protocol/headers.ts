import { observer } from '../../base/observer.js';
import type { TraceFields } from '../../base/observer.js';
import { traceFields } from '../../base/trace.fields.js';

/** The headers of a request, in lower case. */
type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** A client that sends this header reads every status; the unmodified iTwin.js client does not. */
export const CLIENT_HEADER = 'x-linnet-client';

/** A client that reads the progress of its call sends this header, and accepts a stream. */
export const PROGRESS_HEADER = 'x-linnet-progress';

/** The milliseconds for which the caller still waits when it sends the request. */
export const TIMEOUT_HEADER = 'x-linnet-timeout';

/**
 * A server sends this header with a transient answer if it has not begun the call, or if the call had no effect. The call
 * can then be repeated even if its operation is not idempotent.
 */
export const NOT_BEGUN_HEADER = 'x-linnet-not-begun';

/** A client that continues a stream sends this header with the number of items that it has. */
const EVENT_ID_HEADER = 'last-event-id';

/** Reads the number of items that a client has; `undefined` if the header is absent or not a number. */
export function readEventId(headers: Headers): number | undefined {
  const header = headers[EVENT_ID_HEADER];
  return typeof header === 'string' && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}

/** The longest deadline that a header carries: a day. A longer one is not sent. */
export const MAX_TIMEOUT_MS = 24 * 60 * 60 * 1000;

/**
 * The time at which a caller stops waiting.
 *
 * @param headers the timeout in milliseconds from now, a whole number
 * @returns milliseconds since the epoch; `undefined` if the header is absent, out of bounds or not a number
 */
export function readDeadline(headers: Headers): number | undefined {
  const header = headers[TIMEOUT_HEADER];
  if (typeof header !== 'string' || !/^\d{1,8}$/.test(header)) return undefined;
  const timeoutMs = Number(header);
  return timeoutMs <= MAX_TIMEOUT_MS ? Date.now() + timeoutMs : undefined;
}

/** The headers of a trace, in the order of {@link TraceFields}. */
export const TRACE_HEADERS = ['traceparent', 'tracestate', 'baggage'] as const;

/** Reads the trace of a request; `undefined` without one, and where nobody follows traces. */
export function readTraceHeaders(headers: Headers): TraceFields | undefined {
  if (!observer?.followsTraces) return undefined;
  const [traceparent, tracestate, baggage] = TRACE_HEADERS;
  return traceFields(headers[traceparent], headers[tracestate], headers[baggage]);
}
