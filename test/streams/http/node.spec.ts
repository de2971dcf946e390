import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createRpcClient } from '@linnet/common';
import type { CallReport, RpcProxy } from '@linnet/common';
import { createRpcServer } from '@linnet/backend/node';
import { listen } from '../../rpc/plain/plain.servers.js';
import type { PlainServer } from '../../rpc/plain/plain.servers.js';
import { until } from '../../harness/waiting.js';
import { all } from '../flow.js';
import { Flow, FlowImpl, journal } from './flow.js';

describe('a server of node:http', () => {
  const reports: CallReport[] = [];
  let server: PlainServer | undefined;
  beforeEach(() => {
    journal.clear();
    reports.length = 0;
  });
  afterEach(() => server?.stop());

  /** A client of a server with a middleware. */
  async function clientBehind(
    middleware: (request: IncomingMessage, response: ServerResponse, next: () => void) => void,
  ): Promise<RpcProxy<Flow>> {
    const rpc = createRpcServer({
      interfaces: [[Flow, FlowImpl]],
      report: (report) => void reports.push(report),
    });
    const listener: RequestListener = (request, response) =>
      middleware(request, response, () => rpc.handler(request, response));
    server = await listen(createServer(listener));
    return createRpcClient({ uriPrefix: server.url }).client<Flow>(Flow);
  }

  const parsing = (request: IncomingMessage, _response: ServerResponse, next: () => void) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      Object.assign(request, { body: Buffer.concat(chunks) });
      next();
    });
  };

  it('takes a stream of bytes from a parser that has read it', async () => {
    const flow = await clientBehind(parsing);
    const bytes = new Uint8Array(100_000).fill(1);
    expect(await flow.measure('parsed', new Blob([bytes]))).toMatchObject({ bytes: 100_000 });
  });

  it('takes a stream of values from a parser that has read it', async () => {
    const flow = await clientBehind(parsing);
    const numbers = (async function* () {
      yield* [1, 2, 3];
    })();
    expect(await flow.sum(numbers)).toBe(6);
  });

  const untouched = (_request: IncomingMessage, _response: ServerResponse, next: () => void) => next();
  /** Collects what is written, and takes no callback. */
  const collecting = (_request: IncomingMessage, response: ServerResponse, next: () => void) => {
    const write = response.write.bind(response) as (chunk: Uint8Array) => boolean;
    const held: Uint8Array[] = [];
    response.write = ((chunk: Uint8Array) => {
      held.push(chunk);
      return true;
    }) as never;
    Object.assign(response, {
      flush: () => {
        // Later than the producer could have changed them.
        if (held.length > 1) for (const chunk of held.splice(0)) write(chunk);
      },
    });
    const end = response.end.bind(response);
    response.end = (() => {
      for (const chunk of held.splice(0)) write(chunk);
      return end();
    }) as never;
    next();
  };

  it.each([
    ['nothing', untouched],
    ['a middleware that collects bytes', collecting],
  ])('sends what a producer yields that uses its memory again, behind %s', async (_, middleware) => {
    const flow = await clientBehind(middleware);
    const wrong: number[] = [];
    let n = 0;
    for await (const piece of flow.pieces(40, 256 * 1024)) {
      if (piece.byteLength !== 256 * 1024 || piece.some((byte) => byte !== n)) wrong.push(n);
      n++;
    }
    expect([n, wrong]).toEqual([40, []]);
  });

  it('breaks the connection and reports the error if the head of a stream cannot be sent', async () => {
    const flow = await clientBehind((_request, response, next) => {
      response.writeHead = () => {
        throw new Error('no head');
      };
      next();
    });
    await expect(all(flow.watch('headless', 10))).rejects.toThrow('The server cannot be reached');
    expect(reports).toMatchObject([{ kind: 'error', thrown: { message: 'no head' } }]);
  });
});

describe('a server of the fetch standard', () => {
  it.each([
    ['ignores', 'slow'],
    ['ignores', 'fast'],
    ['leaves', 'slow'],
    ['leaves', 'fast'],
  ])('cancels an upload if its method %s it and its client is %s', async (way, speed) => {
    const first = async (content: AsyncIterator<unknown>) => {
      if (way === 'leaves') await content.return!();
      return 'over';
    };
    const { fetch } = createRpcServer({
      interfaces: [[Flow, { first } as never, { partial: true }]],
      report: () => undefined,
    });
    let isCancelled = false;
    const head =
      '--b\r\nContent-Disposition: form-data; name="objects"\r\n\r\n' +
      '[{"isBinary":true,"isStream":true,"index":0,"size":0,"chunks":1}]\r\n' +
      '--b\r\nContent-Disposition: form-data; name="stream-0"\r\n\r\n';
    const chunks = [Buffer.from(head)];
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull(controller) {
        const chunk = chunks.shift() ?? (speed === 'fast' ? Buffer.alloc(65_536) : undefined);
        if (!chunk) return new Promise(() => undefined);
        controller.enqueue(chunk);
        return undefined;
      },
      cancel() {
        isCancelled = true;
      },
    });
    const response = await fetch(
      new Request('http://localhost/Flow-1.0.0-first', {
        method: 'POST',
        headers: { 'X-Correlation-Id': 'a', 'Content-Type': 'multipart/form-data; boundary=b; stream=1' },
        body,
        duplex: 'half',
      }),
    );
    expect(await response.text()).toBe('"over"');
    await until(() => isCancelled);
  });
});
