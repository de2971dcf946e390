import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ForbiddenException, UseGuards } from '@nestjs/common';
import type { CanActivate, ExecutionContext, INestApplication } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { CallContext, IpcChannel, IpcHost, IpcModule, IpcSession } from '@linnet/backend';
import type { IpcModuleOptions } from '@linnet/backend';
import { createTestIpcSession } from '@linnet/backend/testing';
import { defaultIpcLimits, IpcClosedError, IpcServer, memoryIpc } from '@linnet/common';
import { IpcFrontend } from '@linnet/frontend';
import { until } from '../../harness/waiting.js';

class NotOnMondays implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (CallContext.from(context)!.arguments[0] === 'monday') throw new ForbiddenException('Not on Mondays.');
    return true;
  }
}

@IpcChannel('shop')
class Shop {
  #count = 0;
  constructor(private readonly session: IpcSession) {}
  @UseGuards(NotOnMondays)
  async open(day: string) {
    return `open on ${day}`;
  }
  async count() {
    return ++this.#count;
  }
  async user() {
    return this.session.user;
  }
  async mirror(value: unknown) {
    return value;
  }
}

const ipc: IpcModuleOptions = {
  authorize: ({ headers }) => headers['x-user'] !== 'nobody' && { user: headers['x-user'] ?? 'guest' },
};
const compile = () =>
  Test.createTestingModule({ imports: [IpcModule.forRoot(ipc)], providers: [Shop] }).compile();

describe.each([
  ['a testing module', async () => (await compile()) as never],
  ['an application of Fastify', async () => (await compile()).createNestApplication(new FastifyAdapter())],
] as [string, () => Promise<INestApplication>][])('createTestIpcSession with %s', (_name, make) => {
  let app: INestApplication;
  beforeEach(async () => {
    app = await make();
  });
  afterEach(() => app.close());

  it.each([true, false])(
    'runs guards and has one scope for each session (compatible wire: %s)',
    async (compatible) => {
      const first = await createTestIpcSession(app, { compatible });
      const second = await createTestIpcSession(app, { compatible, headers: { 'x-user': 'ann' } });
      const [one, two] = [first, second].map((each) => each.makeIpcProxy<Shop>('shop')) as [any, any];
      expect(await one.open('tuesday')).toBe('open on tuesday');
      await expect(one.open('monday')).rejects.toThrow('Not on Mondays.');
      expect([await one.count(), await one.count(), await two.count()]).toEqual([1, 2, 1]);
      expect([await one.user(), await two.user()]).toEqual(['guest', 'ann']);
      const bytes = new Uint8Array(300_000).fill(7);
      expect(await one.mirror({ bytes })).toStrictEqual({ bytes });
      const told = new Promise((resolve) => first.addListener('news', (_event, text) => resolve(text)));
      await app.get(IpcHost).send('news', 'hello');
      expect(await told).toBe('hello');
      first.close();
      second.close();
    },
  );

  it('rejects with 403 when authorization refuses the user', async () => {
    await expect(createTestIpcSession(app, { headers: { 'x-user': 'nobody' } })).rejects.toThrow('403');
  });
});

describe('a frontend connected in memory', () => {
  const server = new IpcServer({ limits: defaultIpcLimits, invokeTimeoutMs: 1000 });
  server.channels.handle('itwin.echo', (_event, _method, ...args: unknown[]) => args);

  it.each([true, false])(
    'carries values and errors as a socket does (compatible wire: %s)',
    async (compatible) => {
      const frontend = new IpcFrontend(memoryIpc(server, { compatible, user: 'me' }), { reconnect: false });
      await frontend.ready;
      const sent = Float64Array.of(1.5, 2);
      const [value] = (await frontend.invoke('echo', 'x', { sent, when: new Date(0), f: () => 1 })) as any[];
      expect(value).toEqual({ sent: Float64Array.of(1.5, 2), when: '1970-01-01T00:00:00.000Z' });
      expect(value.sent.buffer).not.toBe(sent.buffer);
      const [session] = server.sessions;
      expect(session!.user).toBe('me');
      frontend.handle('page', (a: number, b: number) => a + b);
      expect(await session!.invoke('page', 1, 2)).toBe(3);
      frontend.handle('page', () => new Map());
      expect(await session!.invoke('page')).toMatchObject({
        error: {
          message: expect.stringMatching(/^page: The value cannot be sent: value\[0\] is of kind Map/),
        },
      });
      await expect(frontend.invoke('echo', 'x', 1n)).rejects.toThrow('BigInt');
      const last = frontend.invoke('echo', 'x');
      frontend.close();
      await expect(last).rejects.toThrow('over');
      await session!.closed;
      expect(server.size).toBe(0);
    },
  );

  it('goes on after a result with a longer text than a frame may have', async () => {
    const limits = { ...defaultIpcLimits, textLength: 1000 };
    const small = new IpcServer({ limits, invokeTimeoutMs: 1000 });
    small.channels.handle('itwin.text', (_event, _method, length) => 'x'.repeat(length as number));
    const frontend = new IpcFrontend(memoryIpc(small), { reconnect: false });
    await frontend.ready;
    expect(await frontend.invoke('text', 'x', 5000)).toMatchObject({
      error: { message: 'text.x: The value cannot be sent: it has more than 2000 bytes.' },
    });
    expect(await frontend.invoke('text', 'x', 3)).toBe('xxx');
    frontend.close();
  });

  it('is separate from another frontend of the same server', async () => {
    const [one, two] = [1, 2].map(() => new IpcFrontend(memoryIpc(server), { reconnect: false }));
    await Promise.all([one!.ready, two!.ready]);
    const [first, second] = server.sessions;
    const heard: string[] = [];
    one!.addListener('news', (_event, news) => heard.push(`one: ${news}`));
    two!.addListener('news', (_event, news) => heard.push(`two: ${news}`));
    one!.handle('page', () => 'one');
    two!.handle('page', () => 'two');
    await first!.send('news', 'for one');
    await second!.send('news', 'for two');
    expect([await first!.invoke('page'), await second!.invoke('page')]).toEqual(['one', 'two']);
    expect(heard).toEqual(['one: for one', 'two: for two']);
    one!.close();
    await first!.closed;
    expect([one!.isValid, two!.isValid]).toEqual([false, true]);
    expect(await two!.invoke('echo', 'x', 'still here')).toEqual(['still here']);
    two!.close();
    await second!.closed;
  });

  it('begins another session when the server has ended the first', async () => {
    const frontend = new IpcFrontend(memoryIpc(server), { reconnectMs: [1, 1] });
    const states: string[] = [];
    frontend.onStateChange((state) => states.push(state));
    await frontend.ready;
    server.sessions[0]!.close(3000, 'enough');
    await until(() => states.length === 3);
    expect(states).toEqual(['open', 'connecting', 'open']);
    frontend.close();
  });

  it.each([true, false])(
    'closes with its server and does not connect again (compatible wire: %s)',
    async (compatible) => {
      const ending = new IpcServer({ limits: defaultIpcLimits, invokeTimeoutMs: 1000 });
      const frontend = new IpcFrontend(memoryIpc(ending, { compatible }), { reconnectMs: [1, 1] });
      await frontend.ready;
      const closed = new Promise((resolve) =>
        frontend.onStateChange((state) => state !== 'open' && resolve(state)),
      );
      await ending.close(0);
      expect(await closed).toBe('closed');
      await expect(frontend.invoke('echo', 'x')).rejects.toBeInstanceOf(IpcClosedError);
      const late = new IpcFrontend(memoryIpc(ending, { compatible }));
      await expect(late.ready).rejects.toBeInstanceOf(IpcClosedError);
    },
  );
});
