import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import express from 'express';
import type { RequestHandler } from 'express';
import { createRpcServer } from '@linnet/backend/node';
import { createRpcClient, RpcInterface } from '@linnet/common';
import type { RpcProxy } from '@linnet/common';
import { RawSocket } from '../../conformance/ipc/raw.socket.js';
import { listen } from './plain.servers.js';
import type { PlainServer } from './plain.servers.js';

abstract class Bodies extends RpcInterface {
  static readonly interfaceName = 'Bodies';
  static readonly interfaceVersion = '1.0.0';
  echo(..._values: unknown[]): Promise<unknown[]> {
    return this.forward(arguments);
  }
}

const echo = async (...values: unknown[]) => values;
const everything = { type: () => true };

/** Reads the body, and keeps nothing of it. */
const swallow: RequestHandler = (request, _response, next) => {
  request.resume().on('end', () => next());
};

/** Middleware that may stand before RPC in an Express application. */
const parsers: Record<string, RequestHandler[]> = {
  'no parser': [],
  'express.json()': [express.json()],
  'all parsers, as they are': [express.json(), express.text(), express.raw(), express.urlencoded()],
  'express.text() and express.raw(), as the reference has them': [express.text(), express.raw()],
  'express.text() for everything': [express.text(everything)],
  'express.raw() for everything': [express.raw(everything)],
  'express.json() for everything': [express.json({ ...everything, strict: false })],
  'a middleware that keeps nothing': [swallow],
};

/** The values that arrive; what is left out is answered with an error. */
const text = ['text', 1, { two: [null, 'é😀'] }];
const bytes = [Uint8Array.of(0, 255, 13, 10)];
const both = ['b', Uint8Array.of(1, 200)];
const arrives: Record<string, unknown[][]> = {
  'no parser': [text, bytes, both],
  'express.json()': [text, bytes, both],
  'all parsers, as they are': [text, bytes, both],
  'express.text() and express.raw(), as the reference has them': [text, bytes, both],
  'express.text() for everything': [text],
  'express.raw() for everything': [text, bytes, both],
  'express.json() for everything': [text],
  'a middleware that keeps nothing': [],
};

describe.each(Object.entries(parsers))('a plain RPC server behind %s:', (name, middleware) => {
  let server: PlainServer;
  let client: RpcProxy<Bodies>;
  beforeAll(async () => {
    const rpc = createRpcServer({ interfaces: [[Bodies, { echo }]], report: () => undefined });
    const app = express();
    for (const each of middleware) app.use(each);
    app.use('/api', rpc.handler);
    app.use((_request, response) => void response.status(404).send('of the application'));
    server = await listen(createServer(app));
    client = createRpcClient({ uriPrefix: `${server.url}/api`, retry: { limit: 0 } }).client(Bodies);
  });
  afterAll(() => server.stop());

  it.each([
    ['text', text],
    ['bytes', bytes],
    ['text and bytes', both],
  ])('a call with %s is answered or refused', async (_kind, values) => {
    const call = client.with({ timeoutMs: 10_000 }).echo(...values);
    if (arrives[name]!.includes(values)) expect(await call).toEqual(values);
    else
      await expect(call).rejects.toMatchObject({
        status: expect.any(Number),
        name: expect.not.stringMatching('Deadline'),
      });
  });

  it('a call without arguments is answered or refused', async () => {
    const call = client.with({ timeoutMs: 10_000 }).echo();
    if (arrives[name]!.length > 0) expect(await call).toEqual([]);
    else await expect(call).rejects.toMatchObject({ status: 500 });
  });

  it('a request that is not of RPC goes to the application', async () => {
    expect(await (await fetch(`${server.url}/api/robots`)).text()).toBe('of the application');
    expect(await (await fetch(`${server.url}/Bodies`, { method: 'POST' })).text()).toBe('of the application');
  });

  it('a client that leaves while it sends does not disturb the server', async () => {
    const raw = await RawSocket.open(server.port);
    raw.head('/api/Bodies-1.0.0-echo', 'Content-Type: text/plain', 'Content-Length: 1000');
    raw.write('["half');
    await raw.flush();
    raw.destroy();
    expect((await fetch(`${server.url}/api/ping`)).status).toBe(200);
  });

  it('a call with compressed text is answered if text is', async () => {
    const answer = await fetch(`${server.url}/api/Bodies-1.0.0-echo`, {
      method: 'POST',
      headers: { 'X-Correlation-Id': 'g', 'Content-Type': 'text/plain', 'Content-Encoding': 'gzip' },
      body: gzipSync('["packed"]'),
    });
    expect(answer.status).toBe(arrives[name]!.length > 0 ? 200 : 500);
  });
});

it('Express 5 rejects "*" as a path', () => {
  expect(() => express().post('*', () => undefined)).toThrow(/Missing parameter name/);
});
