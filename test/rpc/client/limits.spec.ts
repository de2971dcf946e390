import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createRpcClient, defaultWireLimits, HttpRpcHandler, inMemoryHttp } from '@linnet/common';
import { RpcDispatcher, ServerError } from '@linnet/common';
import type { RpcClientOptions } from '@linnet/common';
import { failureOf, Robots, ScriptedServer } from './scripted.send.js';
import type { ScriptedReply } from './scripted.send.js';
import { until } from '../../harness/waiting.js';

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

  it('may be as large as maxResponseBytes, in many pieces', async () => {
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

  it.each([200, 202, 500, 503])(
    'of status %i that never ends is read no further than maxResponseBytes',
    async (status) => {
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
      // Bytes on their way depend on buffers of the system, and are bounded by them.
      expect(written).toBeLessThan(50 * 1024 * 1024);
      expect(requests).toBe(1);
    },
  );

  it('is counted in its decompressed form', async () => {
    behave = (response) => {
      response.setHeader('Content-Encoding', 'gzip');
      response.end(gzipSync(Buffer.alloc(100 * LIMIT)));
    };
    expect(await failureOf(call())).toMatchObject({ name: 'ServerError', message });
  });

  it('may have any size if maxResponseBytes is Infinity', async () => {
    behave = (response) => void response.end(Buffer.alloc(LIMIT + 1));
    expect(await call({ maxResponseBytes: Infinity })).toHaveLength(LIMIT + 1);
    await expect(call({ maxResponseBytes: 0 })).rejects.toThrow('more than 0 bytes');
    await expect(call({ maxResponseBytes: NaN })).rejects.toThrow('more than NaN bytes');
  });
});

it('an answer in memory is limited by maxResponseBytes as well', async () => {
  const dispatcher = new RpcDispatcher({ waitingCalls: 10 });
  let size = LIMIT;
  dispatcher.register(Robots, { name: 'bytes', handlerOf: () => () => new Uint8Array(size) });
  const send = inMemoryHttp(new HttpRpcHandler(dispatcher, { limits: defaultWireLimits }));
  expect(await count({ send })).toHaveLength(LIMIT);
  size++;
  expect(await failureOf(count({ send }))).toMatchObject({ name: 'ServerError', status: 200, message });
});

describe('the text of an answer', () => {
  const text = (size: number) => `[${'{},'.repeat((size - 4) / 3)}{}]`;
  const part = (name: string, content: string) =>
    `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${content}\r\n`;
  const multipart = { 'content-type': 'multipart/form-data; boundary=b' };
  const ask = (reply: ScriptedReply, options: RpcClientOptions = {}) =>
    count({ send: new ScriptedServer(reply).send, maxResponseText: 1000, retry: { limit: 0 }, ...options });
  const refused = 'more than 1000 bytes of text: maxResponseText';

  it('is limited by maxResponseText in every content type', async () => {
    expect(await ask({ body: text(1000) })).toHaveLength(333);
    const parse = jest.spyOn(JSON, 'parse');
    for (const reply of [
      { body: text(1003) },
      { body: text(1003), headers: { 'content-type': 'application/json' } },
      { body: `${part('objects', text(1003))}--b--`, headers: multipart },
    ]) {
      const error = await failureOf(ask(reply));
      expect(error).toBeInstanceOf(ServerError);
      expect(error).toMatchObject({ status: 200, message: `The answer cannot be read: ${refused}` });
    }
    expect(parse).not.toHaveBeenCalled();
    jest.restoreAllMocks();
  });

  it.each([202, 404, 500, 503])(
    'is limited by maxResponseText in an answer of status %i, in every content type',
    async (status) => {
      const octets = { 'content-type': 'application/octet-stream' };
      for (const headers of [{}, octets, multipart]) {
        const error = await failureOf(ask({ status, headers, body: text(1003) }));
        expect(error).toBeInstanceOf(ServerError);
        expect(error).toMatchObject({ status, message: `The answer cannot be read: ${refused}` });
      }
    },
  );

  it('has a limit that does not count bytes', async () => {
    const bytes = 'x'.repeat(5000);
    expect(await ask({ body: bytes, headers: { 'content-type': 'application/octet-stream' } })).toHaveLength(
      5000,
    );
    const marker = '{"isBinary":true,"index":0,"size":5000,"chunks":1}';
    const body = `${part('objects', marker)}${part('data-0', bytes)}--b--`;
    expect(await ask({ body, headers: multipart })).toHaveLength(5000);
  });

  it('may have 32 MiB by default, and any size if maxResponseText is Infinity', async () => {
    const size = 32 * 1024 * 1024;
    const send = () => new ScriptedServer({ body: `"${'x'.repeat(size - 1)}"` }).send;
    const options = { maxResponseBytes: Infinity, maxResponseText: undefined };
    expect((await failureOf(count({ ...options, send: send() }))).message).toContain(
      '33554432 bytes of text',
    );
    expect(await count({ ...options, send: send(), maxResponseText: Infinity })).toHaveLength(size - 1);
  });
});

it('an answer may have 64 MiB by default, and the sender of requests knows the limit', async () => {
  const octets = { headers: { 'content-type': 'application/octet-stream' } };
  const body = new Uint8Array(64 * 1024 * 1024 + 1);
  const server = new ScriptedServer({ ...octets, body }, { ...octets, body: body.subarray(1) });
  const robots = createRpcClient({ send: server.send }).client(Robots);
  expect((await failureOf(robots.count())).message).toContain('more than 67108864 bytes');
  expect(await robots.count()).toHaveProperty('byteLength', body.length - 1);
  expect(server.requests[0]!.maxBytes).toBe(67_108_864);
});
