import { createServer, request as ask } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import { IpcChannel, IpcHost, IpcSession } from '@linnet/backend';
import { createRpcServer } from '@linnet/backend/node';
import { createRpcClient } from '@linnet/common';
import type { IpcClosedError, IpcFrontend } from '@linnet/frontend';
import { closeIpcApps, openFrontend, startIpcApp } from '../harness/ipc.harness.js';
import { until } from '../harness/waiting.js';
import type { IpcAppSetup } from '../harness/ipc.harness.js';
import { listen } from '../rpc/plain/plain.servers.js';
import type { PlainServer } from '../rpc/plain/plain.servers.js';
import { RobotWorldReadRpcImpl } from './samples/robot-world.impl.js';
import { RobotWorldReadRpcInterface } from './samples/robot-world.interface.js';
import { token } from './seeds.servers.js';

const running: PlainServer[] = [];
const frontends: IpcFrontend[] = [];
afterEach(async () => {
  for (const frontend of frontends.splice(0)) frontend.close();
  await closeIpcApps();
  await Promise.all(running.splice(0).map(({ stop }) => stop()));
});

/** A backend of RPC that counts its calls. */
async function startBackend() {
  const seen: { url: string; headers: IncomingHttpHeaders }[] = [];
  const { handler } = createRpcServer({ interfaces: [[RobotWorldReadRpcInterface, RobotWorldReadRpcImpl]] });
  const server = await listen(
    createServer((request, response) => {
      seen.push({ url: request.url!, headers: request.headers });
      handler(request, response);
    }),
  );
  running.push(server);
  return { ...server, seen };
}

const robotsAt = (uriPrefix: string, authorization = 'Bearer t') =>
  createRpcClient({ uriPrefix, authorization }).client(RobotWorldReadRpcInterface);

describe('Rpc vs. Ipc › RPC', () => {
  it('lets one backend serve many independent frontends', async () => {
    const backend = await startBackend();
    const frontends = Array.from({ length: 20 }, (_, i) => robotsAt(backend.url, `Bearer ${i}`));
    expect(await Promise.all(frontends.map((robots) => robots.countRobots(token)))).toEqual(
      frontends.map(() => 2),
    );
    expect(new Set(backend.seen.map(({ headers }) => headers.authorization)).size).toBe(20);
  });

  it('lets any of several backends serve the next request of a frontend', async () => {
    const backends = await Promise.all([startBackend(), startBackend(), startBackend()]);
    let turn = 0;
    // A load balancer that keeps to nothing.
    const gateway = await listen(
      createServer((request, response) => {
        const { method, url: path, headers } = request;
        const { port } = backends[turn++ % backends.length]!;
        const onward = ask({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
          response.writeHead(answer.statusCode!, answer.headers);
          answer.pipe(response);
        });
        request.pipe(onward);
      }),
    );
    running.push(gateway);
    const robots = robotsAt(gateway.url);
    for (let i = 0; i < 6; i++) expect(await robots.countRobots(token)).toBe(2);
    expect(backends.map(({ seen }) => seen.length)).toEqual([2, 2, 2]);
  });

  it('sends credentials, routing, version and activity with every request', async () => {
    const backend = await startBackend();
    const robots = robotsAt(backend.url);
    for (let i = 0; i < 3; i++) await robots.countRobots({ ...token, iModelId: `hall-${i}` });
    expect(backend.seen).toHaveLength(3);
    for (const [i, { url, headers }] of backend.seen.entries()) {
      expect(headers).toMatchObject({ authorization: 'Bearer t', 'x-protocol-version': '2' });
      expect(headers['x-correlation-id']).toMatch(/./);
      expect(url).toContain(`/context/site/imodel/hall-${i}/changeset/c1/`);
      expect(url).toContain('RobotWorldReadRpcInterface-1.0.0-countRobots');
    }
    expect(new Set(backend.seen.map(({ headers }) => headers['x-correlation-id'])).size).toBe(3);
  });
});

/** Counts, for its session alone. */
@IpcChannel('counter')
class CounterHandler {
  #count = 0;
  constructor(private readonly session: IpcSession) {}
  async next() {
    return ++this.#count;
  }
  async who() {
    return this.session.user;
  }
}

async function connect(port: number): Promise<IpcFrontend> {
  const frontend = await openFrontend(`http://127.0.0.1:${port}`);
  frontends.push(frontend);
  return frontend;
}

const start = (ipc: IpcAppSetup['ipc'] = {}) => startIpcApp({ ipc, providers: [CounterHandler] });

describe('Rpc vs. Ipc › IPC', () => {
  it('pairs frontend and backend in a session with its own state', async () => {
    const { port } = await start();
    const [one, other] = [await connect(port), await connect(port)];
    const next = (frontend: IpcFrontend) => frontend.callIpcChannel('counter', 'next');
    expect([await next(one), await next(one), await next(other), await next(one)]).toEqual([1, 2, 1, 3]);
  });

  it('gives a dedicated backend one frontend and no other', async () => {
    const { port, refused, host } = await start({ dedicated: true });
    const frontend = await connect(port);
    expect((await refused()).status).toBe(409);
    expect(host.sessions).toHaveLength(1);
    expect(await frontend.callIpcChannel('counter', 'next')).toBe(1);
  });

  it('ends the backend with its frontend', async () => {
    const { port, host, app } = await start({ dedicated: true, frontendGraceMs: 20 });
    host.bindLifetime(app);
    const frontend = await connect(port);
    expect(IpcHost.isValid).toBe(true);
    frontend.close();
    await until(() => !IpcHost.isValid, 10_000);
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow('fetch failed');
  });

  it('ends the session of a frontend and its calls with the backend', async () => {
    const { port, host, close } = await start();
    host.handle('never', () => new Promise(() => undefined));
    const frontend = await connect(port);
    const call = frontend.invoke('never', 'x').catch((error: unknown) => error);
    await close();
    expect(((await call) as IpcClosedError).name).toBe('IpcClosedError');
    await until(() => frontend.state === 'closed');
    expect(frontend.isValid).toBe(false);
  });

  it('authorizes once, and then sends messages without credentials and routing both ways', async () => {
    let authorized = 0;
    const authorize: NonNullable<IpcAppSetup['ipc']>['authorize'] = (request) => {
      authorized++;
      return request.headers.authorization === 'Bearer t' && { user: 'ann' };
    };
    const { connect, refused, session } = await start({ authorize });
    const headers = { Authorization: 'Bearer t' };
    const { raw, ask } = await connect({ headers });
    expect(await ask('counter.who')).toEqual({ result: 'ann' });
    expect(await ask('counter.next')).toEqual({ result: 1 });
    await (await session()).send('news', 'from the backend');
    const pushed = await raw.nextMessage();
    // All that such a message has.
    expect(pushed).toEqual({
      type: 1,
      channel: 'itwin.news',
      data: ['from the backend'],
      sequence: pushed.sequence,
    });
    expect(authorized).toBe(1);
    expect((await refused()).status).toBe(403);
  });

  it.each([true, false])(
    'reports isNative %s on both sides as the backend has it, also for a dedicated backend',
    async (native) => {
      const { port, host, session } = await start({ native, dedicated: true });
      const frontend = await connect(port);
      expect([frontend.isNative, host.isNative, IpcHost.isNative]).toEqual([native, native, native]);
      // To the code of either side it makes no difference.
      expect(await frontend.callIpcChannel('counter', 'next')).toBe(1);
      frontend.handle('question', (text: string) => `${text} Yes.`);
      expect(await (await session()).invoke('question', 'Are you there?')).toBe('Are you there? Yes.');
    },
  );

  it('lets the backend send notifications and make calls first', async () => {
    const { port, session } = await start();
    const frontend = await connect(port);
    const heard: unknown[] = [];
    frontend.addListener('news', (_event, item) => heard.push(item));
    frontend.handle('question', (text: string) => `${text} Yes.`);
    const paired = await session();
    await paired.send('news', 'unasked');
    expect(await paired.invoke('question', 'Are you there?')).toBe('Are you there? Yes.');
    expect(heard).toEqual(['unasked']);
  });
});
