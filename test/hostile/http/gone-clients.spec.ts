import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, expect, it } from '@jest/globals';
import { NodeRpcServer } from '@linnet/backend/node';
import { defaultWireLimits, HttpRpcHandler, RpcDispatcher } from '@linnet/common';
import { definitionOf } from '../../harness/nest.harness.js';

const head =
  'POST /Slow-1.0.0-wait HTTP/1.1\r\nHost: localhost\r\nX-Correlation-ID: a\r\nContent-Type: text/plain\r\n';
const call = `${head}Content-Length: 2\r\n\r\n[]`;

let server: Server;
const begun: unknown[] = [];
let answer: (value: string) => void;

/** Serves RPC behind a middleware that takes its time. */
async function listen(
  serve: (rpc: NodeRpcServer, request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ rpc: NodeRpcServer; port: number }> {
  const dispatcher = new RpcDispatcher({ waitingCalls: 10 });
  begun.length = 0;
  const answered = new Promise<string>((resolve) => (answer = resolve));
  dispatcher.register(definitionOf('Slow', 'wait'), {
    name: 'SlowImpl',
    handlerOf: () => (call) => {
      begun.push(call);
      return answered;
    },
  });
  const rpc = new NodeRpcServer(new HttpRpcHandler(dispatcher, { limits: defaultWireLimits }));
  server = createServer((request, response) => serve(rpc, request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { rpc, port: (server.address() as AddressInfo).port };
}

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

it.each([
  ['a request whose body has not arrived', `${head}Content-Length: 100\r\n\r\n[`, 1],
  ['two requests that were sent at once', call + call, 2],
])(
  'a server on node:http releases %s if the client leaves before it is served',
  async (_name, text, requests) => {
    const met: (() => void)[] = [];
    const { rpc, port } = await listen((rpc, request, response) => {
      met.push(() => rpc.serve(request, response));
    });
    const connected = once(server, 'connection') as Promise<[Socket]>;
    const client = connect(port, '127.0.0.1').on('error', () => undefined);
    client.write(text);
    const [socket] = await connected;
    while (met.length < requests) await new Promise((resolve) => setImmediate(resolve));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    client.resetAndDestroy();
    await closed;
    for (const serve of met) serve();
    await new Promise((resolve) => setImmediate(resolve));
    expect([rpc.receiving.size, begun.length]).toEqual([0, 0]);
    expect(await rpc.close(0)).toBe(0);
  },
);

it('a server on node:http does not keep the answer of a call whose connection has closed', async () => {
  const { rpc, port } = await listen((rpc, request, response) => rpc.serve(request, response));
  const connected = once(server, 'connection') as Promise<[Socket]>;
  const client = connect(port, '127.0.0.1').on('error', () => undefined);
  client.write(call + call);
  const [socket] = await connected;
  while (begun.length < 2) await new Promise((resolve) => setImmediate(resolve));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  client.resetAndDestroy();
  await closed;
  const added: unknown[] = [];
  const { backlog } = rpc;
  backlog.add = (...args) => void added.push(args);
  answer('x'.repeat(100_000));
  await new Promise((resolve) => setImmediate(resolve));
  expect(added).toEqual([]);
  expect(await rpc.close(0)).toBe(0);
});
