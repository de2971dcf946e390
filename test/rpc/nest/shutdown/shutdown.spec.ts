import { Agent, request } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { OnModuleDestroy } from '@nestjs/common';
import { RpcInterface } from '@linnet/backend';
import { closeApps, definitionOf, rpcHeaders, startApp, ways } from '../../../harness/nest.harness.js';
import { passTime, startTime, stopTime, withoutTime } from '../../../harness/stopped.time.js';
import { gate, settled } from '../../../harness/waiting.js';

let events: string[] = [];
let entered: () => void = () => undefined;
let work = gate();

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
  async slow() {
    entered();
    await work.opened;
    events.push('call finished');
    return this.database.query();
  }
  async quick() {
    return 1;
  }
}

beforeEach(() => {
  events = [];
  work = gate();
});
afterEach(() => {
  startTime();
  return closeApps();
});

describe.each(Object.entries(ways))('shutdown, by way of %s,', (_name, way) => {
  const start = (options = {}) => startApp({ way, providers: [Database, ClosingImpl], options });
  const inside = () => new Promise<void>((resolve) => (entered = resolve));

  it('lets running calls finish before the providers are destroyed', async () => {
    const { call, close } = await start();
    const running = inside();
    const slow = call('Closing.slow');
    await running;
    const closed = close();
    await settled();
    work.open();
    expect((await slow).json).toBe('open');
    await closed;
    expect(events).toEqual(['call finished', 'database closed']);
  });

  it('answers new calls with 503', async () => {
    const { call, close } = await start();
    const running = inside();
    const slow = call('Closing.slow');
    await running;
    const closed = close();
    await settled();
    const reply = await call('Closing.quick');
    expect(reply.status).toBe(503);
    expect(reply.headers['retry-after']).toBe('1');
    work.open();
    expect((await slow).status).toBe(200);
    await closed;
  });

  it('waits no longer than shutdownTimeoutMs', async () => {
    const { call, close, log } = await start({ shutdownTimeoutMs: 50 });
    const running = inside();
    const slow = call('Closing.slow').catch(() => undefined);
    await running;
    stopTime();
    const closed = close();
    await passTime(49);
    await settled();
    const warnings = () => log.find('warn', '1 calls were still running after 50 ms');
    expect([events, warnings()]).toEqual([[], []]);
    await passTime(1);
    await closed;
    expect([events, warnings().length]).toEqual([['database closed'], 1]);
    work.open();
    await slow;
  });

  it('does not wait for connections that are kept alive', async () => {
    const { port, close } = await start();
    const agent = new Agent({ keepAlive: true });
    await new Promise<void>((resolve, reject) => {
      const options = { host: '127.0.0.1', port, agent, method: 'POST', path: '/Closing-1.0.0-quick' };
      request({ ...options, headers: rpcHeaders }, (response) => response.resume().on('end', () => resolve()))
        .on('error', reject)
        .end('[]');
    });
    await withoutTime(close);
    agent.destroy();
  });
});
