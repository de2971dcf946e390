import { jest } from '@jest/globals';
import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { IpcChannel, IpcHost, IpcTicketService } from '@linnet/backend';
import type { IpcModuleOptions } from '@linnet/backend';
import { BareFrontend, handshake, Opcode } from '../../wire/raw.frontend.socket.js';
import { closeIpcApps, startIpcApp } from '../../../harness/ipc.harness.js';
import { until } from '../../../harness/waiting.js';
import type { IpcTestApp } from '../../../harness/ipc.harness.js';

@IpcChannel('only')
class OnlyHandler {
  async say() {
    return 'said';
  }
}

const start = (ipc: IpcModuleOptions = {}) =>
  startIpcApp({ ipc: { dedicated: true, frontendGraceMs: 30, ...ipc }, providers: [OnlyHandler] });

/** Notes that an application is closed, and by whom it was asked to. */
function watch({ app }: IpcTestApp) {
  const close = jest.spyOn(app, 'close');
  return close;
}

const byTicket = async ({ app, connect }: IpcTestApp, frontend: string) =>
  connect({ path: `/ipc?ticket=${await app.get(IpcTicketService).issue({ user: 'ann', frontend })}` });

afterEach(closeIpcApps);

describe('a dedicated backend', () => {
  it('refuses a second frontend, with a sentence, and keeps the first', async () => {
    const { connect, refused, host } = await start();
    const { ask } = await connect();
    const { status, body } = await refused();
    expect([status, body]).toEqual([409, 'This backend has a frontend already, and serves no other.\n']);
    expect(await ask('only.say')).toEqual({ result: 'said' });
    expect(host.sessions).toHaveLength(1);
  });

  it('lets in one of two that come at once', async () => {
    const { connect, host } = await start({ authorize: () => delay(20).then(() => true) });
    const both = await Promise.allSettled([connect(), connect(), connect()]);
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected', 'rejected']);
    const refused = both.find((each) => each.status === 'rejected')!;
    expect(refused.reason).toMatchObject({ status: 409 });
    expect(host.sessions).toHaveLength(1);
  });

  it('lets in another where the first is dead', async () => {
    const { connect, port, host, session } = await start();
    const dead = await BareFrontend.open(port);
    // It reads, and answers nothing.
    const { closed } = await session();
    const { ask } = await connect({ patienceMs: 5000 });
    expect(await ask('only.say')).toEqual({ result: 'said' });
    expect(await closed).toEqual({
      code: 1001,
      reason: 'The frontend has connected anew.',
      initiator: 'local',
    });
    expect(host.sessions).toHaveLength(1);
    await dead.closed;
  });

  it('lets the same frontend take over, by its ticket, and no other', async () => {
    const app = await start();
    const first = await byTicket(app, 'f1');
    const { closed } = await app.session();
    await expect(byTicket(app, 'f2')).rejects.toMatchObject({ status: 409 });
    await expect(app.connect()).rejects.toMatchObject({ status: 409 });
    const second = await byTicket(app, 'f1');
    expect(await closed).toEqual({
      code: 1001,
      reason: 'The frontend has connected anew.',
      initiator: 'local',
    });
    await first.raw.closed;
    expect(await second.ask('only.say')).toEqual({ result: 'said' });
    expect(app.host.sessions).toHaveLength(1);
  });

  it('lets nobody take over by the name of another’s frontend', async () => {
    const authorize = ({ headers }: IncomingMessage) => {
      const [name, ...roles] = String(headers['x-user']).split(' ');
      return { user: { name, roles }, frontend: 'f1' };
    };
    const { connect, session, host } = await start({ authorize });
    const as = (user: string) => connect({ headers: { 'X-User': user } });
    const first = await as('ann driver');
    const { closed } = await session();
    for (const user of ['bob driver', 'ann', 'ann driver admin', ''])
      await expect(as(user)).rejects.toMatchObject({ status: 409 });
    expect(await first.ask('only.say')).toEqual({ result: 'said' });
    const again = await as('ann driver');
    expect(await closed).toEqual({
      code: 1001,
      reason: 'The frontend has connected anew.',
      initiator: 'local',
    });
    expect(await again.ask('only.say')).toEqual({ result: 'said' });
    expect(host.sessions).toHaveLength(1);
  });

  it.each([
    ['an empty name', ''],
    ['null for a name', null],
  ])('lets nobody take over by %s', async (_what, frontend) => {
    const { connect, session } = await start({ authorize: () => ({ frontend: frontend as string }) });
    const { ask } = await connect();
    await session();
    await expect(connect()).rejects.toMatchObject({ status: 409 });
    expect(await ask('only.say')).toEqual({ result: 'said' });
  });

  it('asks its frontend once, however many others want to know whether it is there', async () => {
    const { connect, port, session } = await start();
    const silent = await BareFrontend.open(port);
    await session();
    let pings = 0;
    const count = (async () => {
      for (;;) if ((await silent.next(5000)).opcode === Opcode.Ping) pings++;
    })().catch(() => undefined);
    const others = await Promise.allSettled(Array.from({ length: 30 }, () => connect({ patienceMs: 5000 })));
    expect(others.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await silent.closed;
    await count;
    expect(pings).toBe(1);
  });

  it('does not end the session of a frontend whose new request has left again', async () => {
    let left: IncomingMessage | undefined;
    let verdict: (verdict: { frontend: string }) => void = () => undefined;
    const authorize = (request: IncomingMessage) => {
      if (request.url === '/ipc') return { frontend: 'f1' };
      left = request;
      return new Promise<{ frontend: string }>((resolve) => (verdict = resolve));
    };
    const { port, connect, session } = await start({ authorize });
    const { ask } = await connect();
    const first = await session();
    const bare = await BareFrontend.connect(port);
    bare.write(handshake(port, { path: '/ipc?late' }));
    await until(() => left);
    bare.destroy();
    await until(() => left!.socket.destroyed);
    verdict({ frontend: 'f1' });
    await delay(5);
    expect(await ask('only.say')).toEqual({ result: 'said' });
    expect(first.isOpen).toBe(true);
  });
});

describe('the lifetime of a dedicated backend', () => {
  it('ends when its frontend is gone for good', async () => {
    const gone = jest.fn();
    const testApp = await start({ onFrontendGone: gone });
    testApp.host.bindLifetime(testApp.app);
    const close = watch(testApp);
    const { raw } = await testApp.connect();
    const left = Date.now();
    await raw.close();
    await until(() => close.mock.calls.length > 0);
    expect(Date.now() - left).toBeGreaterThanOrEqual(25);
    await close.mock.results[0]!.value;
    expect(close).toHaveBeenCalledTimes(1);
    expect(gone).toHaveBeenCalledTimes(1);
    expect(testApp.log.find('log', 'The frontend is gone for good.')).toHaveLength(1);
    expect(IpcHost.isValid).toBe(false);
    await expect(testApp.connect()).rejects.toThrow('ECONNREFUSED');
  });

  it.each(['a word', 'none'])('goes on over a reload, where the page leaves with %s', async (how) => {
    const testApp = await start({ frontendGraceMs: 500 });
    testApp.host.bindLifetime(testApp.app);
    const close = watch(testApp);
    for (let n = 0; n < 3; n++) {
      const { raw, ask } = await testApp.connect();
      const { closed } = await testApp.session();
      expect(await ask('only.say')).toEqual({ result: 'said' });
      if (how === 'a word') await raw.close(1001);
      else raw.terminate();
      await closed;
      await delay(20);
    }
    await testApp.connect();
    await delay(550);
    expect(close).not.toHaveBeenCalled();
  });

  it('goes on when a frontend takes over', async () => {
    const testApp = await start();
    testApp.host.bindLifetime(testApp.app);
    const close = watch(testApp);
    await byTicket(testApp, 'f1');
    const { ask } = await byTicket(testApp, 'f1');
    await delay(60);
    expect(await ask('only.say')).toEqual({ result: 'said' });
    expect(close).not.toHaveBeenCalled();
  });

  it('does not begin before there is a frontend', async () => {
    const testApp = await start();
    testApp.host.bindLifetime(testApp.app);
    const close = watch(testApp);
    await delay(60);
    await testApp.refused({ path: '/other' });
    expect(close).not.toHaveBeenCalled();
  });

  it.each<[string, () => void]>([
    [
      'throws',
      () => {
        throw new Error('a fault of the application');
      },
    ],
    ['rejects', async () => Promise.reject(new Error('a fault of the application'))],
  ])('is the application’s affair where it is not bound, also where its function %s', async (_how, fail) => {
    const gone = jest.fn(fail);
    const testApp = await start({ onFrontendGone: gone });
    const close = watch(testApp);
    await (await testApp.connect()).raw.close();
    await until(() => testApp.log.find('error', 'a fault of the application').length === 1);
    await delay(5);
    expect(close).not.toHaveBeenCalled();
    // Another frontend is as good.
    const { raw, ask } = await testApp.connect();
    expect(await ask('only.say')).toEqual({ result: 'said' });
    await raw.close();
    await until(() => gone.mock.calls.length === 2);
  });

  it('cannot be bound to a backend of many frontends', async () => {
    const { app, host } = await start({ dedicated: false });
    expect(() => host.bindLifetime(app)).toThrow(
      'bindLifetime() is for a backend of one frontend: IpcModule.forRoot({ dedicated: true }).',
    );
  });

  it('leaves no timer when the application is closed meanwhile', async () => {
    const gone = jest.fn();
    const testApp = await start({ onFrontendGone: gone, frontendGraceMs: 200 });
    testApp.host.bindLifetime(testApp.app);
    const close = watch(testApp);
    const { raw } = await testApp.connect();
    await raw.close();
    await until(() => testApp.host.sessions.length === 0);
    await testApp.close();
    await delay(230);
    expect(gone).not.toHaveBeenCalled();
    expect(close).toHaveBeenCalledTimes(1);
  });

  it('leaves no timer when the application is closed while a frontend is there', async () => {
    const gone = jest.fn();
    const testApp = await start({ onFrontendGone: gone, frontendGraceMs: 10 });
    testApp.host.bindLifetime(testApp.app);
    const { raw } = await testApp.connect();
    await testApp.close();
    expect((await raw.closed).code).toBe(1001);
    await delay(30);
    expect(gone).not.toHaveBeenCalled();
  });
});
