import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span as OTLP has it, in JSON: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding. */
export interface CollectedSpan {
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  /** In nanoseconds. */
  readonly start: bigint;
  readonly end: bigint;
}

/** Stands in for a collector of traces: takes OTLP over HTTP, and decodes it. */
export class Collector {
  readonly spans: CollectedSpan[] = [];
  /** Requests that are not OTLP. */
  readonly wrong: string[] = [];
  readonly #server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      try {
        if (request.url !== '/v1/traces') throw new Error(request.url);
        this.#take(JSON.parse(Buffer.concat(chunks).toString()));
        response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
      } catch (error) {
        this.wrong.push(String(error));
        response.writeHead(400).end();
      }
    });
  });

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #take({ resourceSpans }: any): void {
    for (const { resource, scopeSpans } of resourceSpans) {
      const service = resource.attributes.find(({ key }: any) => key === 'service.name').value.stringValue;
      for (const { spans } of scopeSpans) for (const span of spans) this.spans.push(decoded(span, service));
    }
  }
}

function decoded(span: any, service: string): CollectedSpan {
  const { traceId, spanId, parentSpanId = '', name, kind, startTimeUnixNano, endTimeUnixNano } = span;
  if (!/^[0-9a-f]{32}$/.test(traceId)) throw new Error(`traceId ${traceId}`);
  if (!/^[0-9a-f]{16}$/.test(spanId)) throw new Error(`spanId ${spanId}`);
  if (!/^(?:[0-9a-f]{16})?$/.test(parentSpanId)) throw new Error(`parentSpanId ${parentSpanId}`);
  if (!(Number.isInteger(kind) && kind >= 1 && kind <= 5)) throw new Error(`kind ${kind}`);
  const [start, end] = [BigInt(startTimeUnixNano), BigInt(endTimeUnixNano)];
  if (end < start) throw new Error(`${name} ends before it begins`);
  return { service, traceId, spanId, parentSpanId, name, kind, start, end };
}
