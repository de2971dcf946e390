import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { NodeRpcServer } from '@linnet/backend/node';
import { defaultWireLimits, HttpRpcHandler, RpcDispatcher, RpcInterface } from '@linnet/common';
import type { HttpHandlerOptions } from '@linnet/common';

abstract class Plain extends RpcInterface {
  static readonly interfaceName = 'Plain';
  static interfaceVersion = '1.0.0';
  async add(_a: number, _b: number): Promise<number> {
    return this.forward(arguments);
  }
  async size(_bytes: Uint8Array): Promise<number> {
    return this.forward(arguments);
  }
  async list(): Promise<number[]> {
    return this.forward(arguments);
  }
  async fail(): Promise<void> {
    return this.forward(arguments);
  }
}

const numbers = Array.from({ length: 1000 }, (_, i) => i);
const operations: Record<string, (...args: any[]) => unknown> = {
  add: async (a: number, b: number) => a + b,
  size: (bytes: Uint8Array) => bytes.byteLength,
  list: () => numbers,
  fail: () => {
    throw new Error('failed');
  },
};

let server: Server;
let rpc: NodeRpcServer;

async function listen(options: Partial<HttpHandlerOptions> = {}): Promise<void> {
  const dispatcher = new RpcDispatcher({ waitingCalls: 10 });
  dispatcher.register(Plain, {
    name: 'PlainImpl',
    handlerOf: (operation) => (call) => operations[operation]!(...call.arguments),
  });
  rpc = new NodeRpcServer(new HttpRpcHandler(dispatcher, { limits: defaultWireLimits, ...options }));
  server = createServer((message, response) => {
    if (rpc.owns(message)) rpc.serve(message, response);
    else response.writeHead(404).end('of the application');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
}

async function call(operation: string, body: string | Buffer = '[]', headers: Record<string, string> = {}) {
  const { port } = server.address() as AddressInfo;
  const message = request({
    port,
    host: '127.0.0.1',
    method: 'POST',
    path: `/Plain-1.0.0-${operation}`,
    agent: false,
    headers: {
      'X-Correlation-Id': 'id',
      'X-Protocol-Version': '2',
      'Content-Type': 'text/plain',
      ...headers,
    },
  });
  // A client that is still sending may be reset once it has its answer.
  message.on('error', () => undefined);
  message.end(body);
  const [response] = (await once(message, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode, headers: response.headers, bytes: Buffer.concat(chunks) };
}

describe('NodeRpcServer', () => {
  beforeEach(() => listen());
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  it('answers calls', async () => {
    const { status, headers, bytes } = await call('add', '[1,2]');
    expect([status, bytes.toString()]).toEqual([200, '3']);
    expect(headers).toMatchObject({ 'x-protocol-version': '2', 'content-type': 'text/plain; charset=utf-8' });
  });

  it('reads bodies of bytes, empty bodies and compressed bodies', async () => {
    const type = { 'Content-Type': 'application/octet-stream' };
    expect((await call('size', Buffer.alloc(100_000), type)).bytes.toString()).toBe('100000');
    expect((await call('size', '', type)).bytes.toString()).toBe('0');
    const packed = await call('add', gzipSync('[20,3]'), { 'Content-Encoding': 'gzip' });
    expect(packed.bytes.toString()).toBe('23');
    expect((await call('add', '[]', { 'Content-Encoding': 'gzip' })).status).toBe(400);
    expect((await call('add', '[]', { 'Content-Encoding': 'zstd' })).status).toBe(415);
  });

  it('compresses a reply if the client accepts it', async () => {
    const { headers, bytes } = await call('list', '[]', { 'Accept-Encoding': 'gzip' });
    expect(headers['content-encoding']).toBe('gzip');
    expect(JSON.parse(gunzipSync(bytes).toString())).toEqual(numbers);
    expect(JSON.parse((await call('list')).bytes.toString())).toEqual(numbers);
  });

  it('answers errors and refused requests', async () => {
    const failed = await call('fail');
    expect([failed.status, JSON.parse(failed.bytes.toString())]).toEqual([
      500,
      { message: 'failed', isError: true, name: 'Error' },
    ]);
    expect((await call('add', '[]', { Origin: 'https://evil.example' })).status).toBe(403);
    expect((await call('add', '[]', { 'Content-Type': 'text/html' })).status).toBe(415);
    const large = await call('add', Buffer.alloc(defaultWireLimits.bodyBytes + 1, '1'));
    expect(large.status).toBe(413);
  });

  it('leaves other requests to the application', async () => {
    const { port } = server.address() as AddressInfo;
    const reply = await fetch(`http://127.0.0.1:${port}/index.html`);
    expect([reply.status, await reply.text()]).toEqual([404, 'of the application']);
  });

  it('refuses calls with 503 after close()', async () => {
    expect(await rpc.close(100)).toBe(0);
    const reply = await call('add', '[1,2]');
    expect([reply.status, reply.headers['retry-after']]).toEqual([503, '1']);
  });
});
