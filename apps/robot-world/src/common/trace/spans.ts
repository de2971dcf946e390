import { Injectable } from '@nestjs/common';
import type { TracedSpan } from '../activity-trace.rpc.js';

/** A source of spans. */
export interface SpanSource {
  of(traceId: string): TracedSpan[];
}

let source: SpanSource | undefined;

/** Sets the source of the spans of this process; `undefined`: it makes none. */
export function useSpans(of: SpanSource | undefined): void {
  source = of;
}

/** The spans of this process, if it makes any. It needs no package of OpenTelemetry. */
@Injectable()
export class Spans {
  /** Whether this process makes spans. */
  get exist(): boolean {
    return source !== undefined;
  }

  /** The spans of a trace that this process has made. */
  of(traceId: string): TracedSpan[] {
    return source?.of(traceId) ?? [];
  }
}
