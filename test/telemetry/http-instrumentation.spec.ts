import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { SpanKind } from '@opentelemetry/api';

interface PrintedSpan {
  name: string;
  kind: SpanKind;
  attributes: Record<string, unknown>;
  parent?: string;
  id: string;
  traceId: string;
}

const run = promisify(execFile);
const path = (file: string) => fileURLToPath(new URL(file, import.meta.url));
let printed: Record<string, PrintedSpan[]>;

beforeAll(async () => {
  const args = [path('../ipc/transport/worker/start.mjs'), path('http.program.ts')];
  const { stdout } = await run(process.execPath, args, { maxBuffer: 1e7 });
  printed = JSON.parse(stdout) as typeof printed;
});

describe.each(['Express', 'LinnetExpressAdapter', 'Fastify', 'a plain server'])('with %s', (server) => {
  it('the span of the HTTP instrumentation has route and operation, and the span of the call is its child', () => {
    const spans = printed[server]!;
    const http = spans.find(({ kind, attributes }) => kind === SpanKind.SERVER && 'http.route' in attributes);
    const call = spans.find(({ kind, name }) => kind === SpanKind.SERVER && name === 'Tiles/count');
    const client = spans.find(({ kind, name }) => kind === SpanKind.CLIENT && name === 'Tiles/count');
    expect(http).toMatchObject({ name: 'POST /*/Tiles/count', parent: client!.id });
    expect(http!.attributes).toMatchObject({
      'http.route': '/*/Tiles/count',
      'rpc.method': 'Tiles/count',
    });
    expect(call!.parent).toBe(http!.id);
    expect(new Set([http!, call!, client!].map(({ traceId }) => traceId)).size).toBe(1);
  });
});
