import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createRpcClient, defaultWireLimits, HttpRpcHandler, inMemoryHttp } from '@linnet/common';
import { RpcDispatcher, ServerError } from '@linnet/common';
import type { RpcClientOptions } from '@linnet/common';
import { failureOf, Robots, ScriptedServer } from './scripted.send.js';
import { until } from '../nest/ipc.harness.js';

const LIMIT = 100_000;
const message = `The answer has more than ${LIMIT} bytes: maxResponseBytes.`;
const count = (options: RpcClientOptions) =>
  createRpcClient({ maxResponseBytes: LIMIT, ...options })
    .client(Robots)
    .count();

describe('an answer over HTTP', () => {
  let behave: (response: ServerResponse) => void;
  const server = createServer((request, response) => {
    request.resume();
    response.setHeader('Content-Type', 'application/octet-stream');
    behave(response);
  });
  beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
  afterAll(() => {
    server.close();
    server.closeAllConnections();
  });
  const call = (options: RpcClientOptions = {}) =>
    count({ uriPrefix: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, ...options });

  it('may be as large as the limit, in however many pieces', async () => {
    behave = (response) => {
      for (let i = 0; i < 1000; i++) response.write(Buffer.alloc(LIMIT / 1000, i));
      response.end();
    };
    const bytes = (await call()) as Uint8Array;
    expect(bytes).toHaveLength(LIMIT);
    expect([...bytes.subarray(99, 101)]).toEqual([0, 1]);
    // Memory of its own.
    expect(bytes.buffer.byteLength).toBe(LIMIT);
  });

  it.each([200, 202, 500, 503])('of %i that never ends is read no further than the limit', async (status) => {
    let written = 0;
    let isClosed = false;
    let requests = 0;
    behave = (response) => {
      requests++;
      response.statusCode = status;
      response.on('close', () => (isClosed = true));
      const chunk = Buffer.alloc(10_000);
      const more = () => {
        while (!response.destroyed) {
          written += chunk.length;
          if (!response.write(chunk)) return;
        }
      };
      response.on('drain', more);
      more();
    };
    const error = await failureOf(call());
    expect(error).toBeInstanceOf(ServerError);
    expect(error).toMatchObject({ status, errorNumber: status, message });
    await until(() => isClosed);
    // What had been on its way is a matter of the system's buffers, and bounded by them.
    expect(written).toBeLessThan(50 * 1024 * 1024);
    expect(requests).toBe(1);
  });

  it('counts when it is decompressed', async () => {
    behave = (response) => {
      response.setHeader('Content-Encoding', 'gzip');
      response.end(gzipSync(Buffer.alloc(100 * LIMIT)));
    };
    expect(await failureOf(call())).toMatchObject({ name: 'ServerError', message });
  });

  it('may be of any size where the limit says so', async () => {
    behave = (response) => void response.end(Buffer.alloc(LIMIT + 1));
    expect(await call({ maxResponseBytes: Infinity })).toHaveLength(LIMIT + 1);
    await expect(call({ maxResponseBytes: 0 })).rejects.toThrow('more than 0 bytes');
    await expect(call({ maxResponseBytes: NaN })).rejects.toThrow('more than NaN bytes');
  });
});

it('an answer in memory has the same limit', async () => {
  const dispatcher = new RpcDispatcher({ waitingCalls: 10 });
  let size = LIMIT;
  dispatcher.register(Robots, { name: 'bytes', handlerOf: () => () => new Uint8Array(size) });
  const send = inMemoryHttp(new HttpRpcHandler(dispatcher, { limits: defaultWireLimits }));
  expect(await count({ send })).toHaveLength(LIMIT);
  size++;
  expect(await failureOf(count({ send }))).toMatchObject({ name: 'ServerError', status: 200, message });
});

it('the limit is 64 MiB by default, and known to who sends requests', async () => {
  const octets = { headers: { 'content-type': 'application/octet-stream' } };
  const body = new Uint8Array(64 * 1024 * 1024 + 1);
  const server = new ScriptedServer({ ...octets, body }, { ...octets, body: body.subarray(1) });
  const robots = createRpcClient({ send: server.send }).client(Robots);
  expect((await failureOf(robots.count())).message).toContain('more than 67108864 bytes');
  expect(await robots.count()).toHaveProperty('byteLength', body.length - 1);
  expect(server.requests[0]!.maxBytes).toBe(67_108_864);
});
