import { Agent, request } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { Activity, CurrentActivity, RpcInterface, RpcOperation } from '@linnet/backend';
import express from 'express';
import type { FastifyInstance } from 'fastify';
import { RawSocket } from '../../conformance/ipc/raw.socket.js';
import { closeApps, definitionOf, startApp, ways } from '../../harness/nest.harness.js';
import type { TestApp } from '../../harness/nest.harness.js';
import { startTime, stopTime, withoutTime } from '../../harness/stopped.time.js';
import { gate, settled, until } from '../../harness/waiting.js';

let runs = 0;
let gone = 0;
let release: () => void = () => undefined;
let released: Promise<void> = Promise.resolve();

@RpcInterface(definitionOf('Left', 'quick', 'untilGone', 'oneByOne'))
class LeftImpl {
  async quick(...values: unknown[]) {
    runs++;
    return values.length;
  }
  async untilGone(@CurrentActivity() activity?: Activity) {
    runs++;
    const { signal } = activity!;
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    gone++;
  }
  @RpcOperation({ concurrency: 1 })
  async oneByOne(caller: string) {
    runs++;
    await released;
    return caller;
  }
}

/** The server keeps a connection for this time after an answer that ends it. */
const LINGER_MS = 500;
const text = 'Content-Type: text/plain';
const path = (operation: string) => `/Left-1.0.0-${operation}`;
const providers = [LeftImpl];
/** Longer than the limit of a test. */
const options = { shutdownTimeoutMs: 600_000 };

beforeEach(() => {
  runs = gone = 0;
  released = new Promise((resolve) => (release = resolve));
});
afterEach(() => {
  startTime();
  release();
  return closeApps();
});

function write(raw: RawSocket, operation: string, body: string, length = body.length): void {
  raw.head(path(operation), text, `Content-Length: ${length}`);
  raw.write(body);
}

/** Closes an application. It waits neither for the end of the time in which calls may finish, nor for another timer. */
const closeAtOnce = ({ close }: TestApp) => withoutTime(close);

describe.each(Object.entries(ways))('RPC by way of %s', (name, way) => {
  const start = (configure?: (app: INestApplication) => unknown) =>
    startApp({ way, providers, options, ...(configure && { configure }) });

  it.each([
    ['all', '[1,2,3]'],
    ['a part', '[1,2'],
  ])(
    'does not run the call of a client that leaves during a middleware, with %s of its body sent',
    async (_, body) => {
      let waiting = 0;
      const middleware = gate();
      const wait = () => {
        waiting++;
        return middleware.opened;
      };
      const app = await start((nest) => {
        if (name !== 'Fastify')
          nest.use((_request: unknown, _response: unknown, next: () => void) => void wait().then(next));
        else (nest.getHttpAdapter().getInstance() as FastifyInstance).addHook('onRequest', wait);
      });
      const raw = await RawSocket.open(app.port);
      write(raw, 'quick', body, 7);
      await until(() => waiting === 1);
      await settled();
      raw.destroy();
      await settled();
      middleware.open();
      await settled();
      await closeAtOnce(app);
      expect(runs).toBe(0);
    },
  );

  it('aborts all calls of a connection when it closes, also those that wait behind another', async () => {
    const app = await start();
    const raw = await RawSocket.open(app.port);
    for (let i = 0; i < 2; i++) write(raw, 'untilGone', '[]');
    await until(() => runs === 2);
    expect(gone).toBe(0);
    raw.destroy();
    await until(() => gone === 2);
    await closeAtOnce(app);
  });

  it('answers a call with 503 if its body completes after shutdown has begun', async () => {
    const app = await start();
    const raw = await RawSocket.open(app.port);
    write(raw, 'quick', '[1,2', 7);
    await settled();
    const closed = closeAtOnce(app);
    await settled();
    raw.write(',3]');
    expect(await raw.answer()).toMatchObject({ status: 503, body: { isError: true } });
    raw.destroy();
    await closed;
    expect(runs).toBe(0);
  });

  it('removes the calls of clients that left from the queue of an operation', async () => {
    const app = await start();
    const first = app.call('Left.oneByOne', ['first']);
    await until(() => runs === 1);
    const left = await Promise.all(Array.from({ length: 5 }, () => RawSocket.open(app.port)));
    for (const raw of left) write(raw, 'oneByOne', '["left"]');
    await settled();
    const last = app.call('Left.oneByOne', ['last']);
    await settled();
    for (const raw of left) raw.destroy();
    await settled();
    expect(runs).toBe(1);
    release();
    expect([(await first).json, (await last).json]).toEqual(['first', 'last']);
    expect(runs).toBe(2);
    await closeAtOnce(app);
  });

  it.each([
    ['no length', {}],
    ['the length 0', { 'Content-Length': '0' }],
  ])('keeps a connection open after a preflight with %s', async (_, headers) => {
    const { port } = await start();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const send = (method: string, more: object, body?: string) =>
      new Promise<[ClientRequest, IncomingMessage]>((resolve, reject) => {
        const all = { Origin: 'http://localhost:5', 'X-Correlation-Id': '1', ...more };
        const options = { agent, host: '127.0.0.1', port, method, path: path('quick'), headers: all };
        const sent = request(options, (answer) => {
          answer.resume().on('end', () => resolve([sent, answer]));
        });
        sent.on('error', reject).end(body);
      });
    try {
      stopTime();
      const [, preflight] = await send('OPTIONS', { ...headers, 'Access-Control-Request-Method': 'POST' });
      expect(preflight.statusCode).toBe(200);
      expect(preflight.headers).toMatchObject({ 'access-control-allow-origin': 'http://localhost:5' });
      expect(preflight.headers.connection).not.toBe('close');
      // Longer than a connection lingers that is about to be closed.
      jest.advanceTimersByTime(LINGER_MS);
      await settled();
      const [call, answer] = await send('POST', { 'Content-Type': 'text/plain', 'Content-Length': 2 }, '[]');
      expect([call.reusedSocket, answer.statusCode]).toEqual([true, 200]);
    } finally {
      agent.destroy();
    }
  });
});

const expressWays = Object.entries(ways).filter(([name]) => name !== 'Fastify');

describe.each(expressWays)('RPC behind a JSON parser for every type, by way of %s', (_name, way) => {
  it('answers a very deep list with an error, and still closes at once', async () => {
    const configure = (app: INestApplication) => app.use(express.json({ type: () => true }));
    const app = await startApp({ way, providers, options, configure });
    expect((await app.call('Left.quick', [1, 2])).json).toBe(2);
    const depth = 45_000;
    const body = '['.repeat(depth) + ']'.repeat(depth);
    const { status, json } = await app.send({ target: path('quick'), body });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(json).toMatchObject({ message: expect.any(String) });
    expect(runs).toBe(1);
    await closeAtOnce(app);
  });
});
