import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { HealthModule, HealthService, IpcChannel, RpcInterface } from '@linnet/backend';
import type { HealthOptions } from '@linnet/backend';
import { createRpcClient, IpcFrontend } from '@linnet/common';
import { webSocketIpc } from '@linnet/frontend';
import { closeIpcApps, adapters, startIpcApp } from '../../../harness/ipc.harness.js';
import type { IpcTestApp } from '../../../harness/ipc.harness.js';
import { settled, until } from '../../../harness/waiting.js';

abstract class Clock extends RpcInterface {
  static readonly interfaceName = 'Clock';
  static interfaceVersion = '1.0.0';
  async now(): Promise<number> {
    return this.forward(arguments);
  }
}

@RpcInterface(Clock)
class ClockImpl extends Clock {
  override async now() {
    return 1;
  }
}

@IpcChannel('clock')
class ClockHandler {
  async now() {
    return 1;
  }
}

@Controller('terminus')
class TerminusController {
  constructor(
    private readonly checks: HealthCheckService,
    private readonly linnet: HealthService,
  ) {}

  @Get()
  @HealthCheck()
  check() {
    return this.checks.check([() => this.linnet.isHealthy('linnet')]);
  }
}

afterEach(closeIpcApps);

const startWith = (options: HealthOptions, way = adapters['the stock Express adapter']!) =>
  startIpcApp({
    way,
    rpc: {},
    imports: [
      HealthModule.forRoot(options),
      TerminusModule.forRoot({ gracefulShutdownTimeoutMs: 1, logger: false }),
    ],
    providers: [ClockImpl, ClockHandler],
    controllers: [TerminusController],
  });

const get = (app: IpcTestApp, target: string) => app.send({ method: 'GET', target });

describe.each(Object.entries(adapters))('an application on %s', (_name, way) => {
  it('lives, and is ready, by endpoints and by Terminus', async () => {
    const app = await startWith({ backends: { maps: () => Promise.resolve() } }, way);
    expect(await get(app, '/health/live')).toMatchObject({ status: 200, json: { status: 'up' } });
    const ready = await get(app, '/health/ready');
    expect(ready.json).toEqual({
      status: 'up',
      draining: false,
      eventLoopDelayMs: expect.any(Number),
      sessions: 0,
      backends: { maps: 'up' },
    });
    expect(ready.headers['cache-control']).toBe('no-store');
    expect((await get(app, '/terminus')).json).toMatchObject({
      status: 'ok',
      info: { linnet: { status: 'up' } },
    });
    expect(await get(app, '/ping')).toMatchObject({ status: 200, text: 'Success' });
  });

  it('is not ready from the beginning of its shutdown, and still serves RPC and IPC for drainDelayMs', async () => {
    const app = await startWith({ drainDelayMs: 1_000 }, way);
    const url = `http://127.0.0.1:${app.port}`;
    const health = app.app.get(HealthService);
    const frontend = new IpcFrontend(webSocketIpc(`${url.replace('http', 'ws')}/ipc`), { reconnect: false });
    await frontend.ready;
    const closed = app.close();
    await until(() => health.isDraining);
    expect(await get(app, '/health/ready')).toMatchObject({
      status: 503,
      json: { draining: true, sessions: 1 },
    });
    expect((await get(app, '/health/live')).status).toBe(200);
    expect((await get(app, '/terminus')).status).toBe(503);
    await expect(createRpcClient({ uriPrefix: url }).client(Clock).now()).resolves.toBe(1);
    await expect(frontend.callIpcChannel('clock', 'now')).resolves.toBe(1);
    await closed;
    await until(() => frontend.state === 'closed');
  });
});

it('refuses calls with Retry-After after the delay, until the listener is closed', async () => {
  let answer!: () => void;
  let begin!: () => void;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const answered = new Promise<void>((resolve) => (answer = resolve));
  class SlowImpl extends Clock {
    override async now() {
      begin();
      await answered;
      return 2;
    }
  }
  RpcInterface(Clock)(SlowImpl);
  const app = await startIpcApp({ rpc: {}, imports: [HealthModule.forRoot()], providers: [SlowImpl] });
  const call = app.send({ target: '/Clock-1.0.0-now', body: '[]' });
  await begun;
  const health = app.app.get(HealthService);
  const closed = app.close();
  await until(() => health.isDraining);
  await settled();
  const refused = await app.send({ target: '/Clock-1.0.0-now', body: '[]' });
  expect(refused.status).toBe(503);
  expect(refused.headers['retry-after']).toBe('1');
  answer();
  expect((await call).text).toBe('2');
  await closed;
});

describe('an instance is not ready', () => {
  it('while a backend cannot be reached, and does not show why', async () => {
    let asked = 0;
    const maps = () => {
      asked++;
      throw new Error('secret address');
    };
    const app = await startWith({ backends: { maps, tiles: () => undefined } });
    const replies = await Promise.all([1, 2, 3].map(() => get(app, '/health/ready')));
    expect(replies[0]).toMatchObject({ status: 503, json: { backends: { maps: 'down', tiles: 'up' } } });
    expect(replies[0]!.text).not.toContain('secret');
    expect(app.log.find('warn', 'maps')).toHaveLength(1);
    // Requests for the state do not become as many requests to backends.
    expect(asked).toBe(1);
  });

  it('while a backend does not answer in time', async () => {
    const app = await startWith({
      backends: { maps: () => new Promise(() => undefined) },
      backendTimeoutMs: 1,
    });
    expect((await get(app, '/health/ready')).json).toMatchObject({
      status: 'down',
      backends: { maps: 'down' },
    });
  });

  it('while its event loop is late', async () => {
    const app = await startWith({ maxEventLoopDelayMs: 20 });
    const block = () => {
      const until = performance.now() + 200;
      while (performance.now() < until);
    };
    const reply = await until(async () => {
      block();
      const ready = await get(app, '/health/ready');
      return ready.status === 503 && ready;
    });
    expect(reply.json.eventLoopDelayMs).toBeGreaterThan(20);
  });
});

it('has no endpoints with `path: false`, and others with a path', async () => {
  const app = await startWith({ path: false });
  expect((await get(app, '/health/ready')).status).toBe(404);
  const other = await startWith({ path: 'status' });
  expect((await get(other, '/status/ready')).status).toBe(200);
});
