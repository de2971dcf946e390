import type { TraceFields } from './observer.js';

/** The longest values, in characters. W3C asks for 512 of `tracestate` and 8192 of `baggage`; 55 is all of `traceparent`. */
const MAX_PARENT = 128;
const MAX_STATE = 512;
const MAX_BAGGAGE = 8192;

const printable = /^[\x20-\x7e]+$/;
const parent = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}(?:-|$)/;

function textOf(value: unknown, limit: number): string {
  return typeof value === 'string' && value.length <= limit && printable.test(value) ? value : '';
}

/**
 * Checks the trace that a peer has sent. A value that is too long, or not what the standard says, counts as absent: a call
 * does not fail for it.
 *
 * @returns `undefined` if nothing is left
 */
export function traceFields(
  traceparent: unknown,
  tracestate: unknown,
  baggage: unknown,
): TraceFields | undefined {
  const text = textOf(traceparent, MAX_PARENT);
  const isTrace = parent.test(text);
  const bag = textOf(baggage, MAX_BAGGAGE);
  if (!isTrace && bag === '') return undefined;
  return [isTrace ? text : '', isTrace ? textOf(tracestate, MAX_STATE) : '', bag];
}

/** Reads the trace of a message: a list of up to three texts. Anything else counts as absent. */
export function readTrace(value: unknown): TraceFields | undefined {
  if (!Array.isArray(value)) return undefined;
  const [traceparent, tracestate, baggage] = value as unknown[];
  return traceFields(traceparent, tracestate, baggage);
}

/** A trace as the list of a message, without absent values at its end. */
export function traceList([traceparent, tracestate, baggage]: TraceFields): string[] {
  if (baggage !== '') return [traceparent, tracestate, baggage];
  return tracestate === '' ? [traceparent] : [traceparent, tracestate];
}
