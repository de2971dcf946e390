import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { OnModuleDestroy } from '@nestjs/common';
import { RpcInterface } from '@linnet/backend';
import { closeApps, definitionOf, rpcHeaders, startApp, ways } from '../../../harness/nest.harness.js';
import { stopwatch } from '../../../harness/stopwatch.js';

let events: string[] = [];
let entered: () => void = () => undefined;

/** A provider of the root module, whose hooks Nest runs first. */
@Injectable()
class Database implements OnModuleDestroy {
  #open = true;
  onModuleDestroy() {
    this.#open = false;
    events.push('database closed');
  }
  query() {
    return this.#open ? 'open' : 'closed';
  }
}

@RpcInterface(definitionOf('Closing', 'slow', 'quick'))
class ClosingImpl {
  constructor(private readonly database: Database) {}
  async slow(ms: number) {
    // A call that was cut off goes on, and belongs to the test that began it.
    const seen = events;
    entered();
    await delay(ms);
    seen.push('call finished');
    return this.database.query();
  }
  async quick() {
    return 1;
  }
}

beforeEach(() => {
  events = [];
});
afterEach(closeApps);

describe.each(Object.entries(ways))('shutdown by way of %s', (_name, way) => {
  const start = (options = {}) => startApp({ way, providers: [Database, ClosingImpl], options });
  const inside = () => new Promise<void>((resolve) => (entered = resolve));

  it('lets calls in flight finish while the application is still alive', async () => {
    const { call, close } = await start();
    const running = inside();
    const slow = call('Closing.slow', [100]);
    await running;
    const closed = close();
    expect((await slow).json).toBe('open');
    await closed;
    expect(events).toEqual(['call finished', 'database closed']);
  });

  it('turns new calls away', async () => {
    const { call, close } = await start();
    const running = inside();
    const slow = call('Closing.slow', [200]);
    await running;
    const closed = close();
    await delay(20);
    const reply = await call('Closing.quick');
    expect(reply.status).toBe(503);
    expect(reply.headers['retry-after']).toBe('1');
    expect((await slow).status).toBe(200);
    await closed;
  });

  it('waits no longer than it may', async () => {
    const { call, close, log } = await start({ shutdownTimeoutMs: 50 });
    const running = inside();
    const slow = call('Closing.slow', [400]).catch(() => undefined);
    await running;
    const closed = close();
    await delay(200);
    expect(log.find('warn', '1 calls were still running after 50 ms')).toHaveLength(1);
    await slow;
    await closed;
  });

  it('is not held by connections that are kept alive', async () => {
    const { port, close } = await start();
    const agent = new Agent({ keepAlive: true });
    await new Promise<void>((resolve, reject) => {
      const options = { host: '127.0.0.1', port, agent, method: 'POST', path: '/Closing-1.0.0-quick' };
      request({ ...options, headers: rpcHeaders }, (response) => response.resume().on('end', () => resolve()))
        .on('error', reject)
        .end('[]');
    });
    const took = stopwatch();
    await close();
    expect(took()).toBeLessThan(2000);
    agent.destroy();
  });
});
