import { jest } from '@jest/globals';
import type { IncomingMessage } from 'node:http';
import { IpcChannel, IpcHost, IpcTicketService } from '@linnet/backend';
import type { IpcModuleOptions } from '@linnet/backend';
import { BareFrontend, handshake, Opcode } from '../../wire/raw.frontend.socket.js';
import { closeIpcApps, startIpcApp } from '../../../harness/ipc.harness.js';
import { holdTimers, releaseTimers } from '../../../harness/held.timers.js';
import { gate, settled, until } from '../../../harness/waiting.js';
import type { IpcTestApp } from '../../../harness/ipc.harness.js';

@IpcChannel('only')
class OnlyHandler {
  async say() {
    return 'said';
  }
}

/** A length that no other timer has: the tests hold the timer of this time, and let it expire. */
const GRACE_MS = 43_210;

const start = (ipc: IpcModuleOptions = {}) =>
  startIpcApp({ ipc: { dedicated: true, frontendGraceMs: GRACE_MS, ...ipc }, providers: [OnlyHandler] });

/** Starts a dedicated backend that ends with its frontend, and watches it being closed. */
async function startBound(ipc: IpcModuleOptions = {}) {
  const grace = holdTimers(GRACE_MS);
  const gone = jest.fn();
  const testApp = await start({ onFrontendGone: gone, ...ipc });
  const close = jest.spyOn(testApp.app, 'close');
  testApp.host.bindLifetime(testApp.app);
  return { ...testApp, testApp, grace, gone, close };
}

const byTicket = async ({ app, connect }: IpcTestApp, frontend: string) =>
  connect({ path: `/ipc?ticket=${await app.get(IpcTicketService).issue({ user: 'ann', frontend })}` });

afterEach(async () => {
  await closeIpcApps();
  releaseTimers();
});

describe('a dedicated backend', () => {
  it('refuses a second frontend with 409 and a reason, and keeps the first', async () => {
    const { connect, refused, host } = await start();
    const { ask } = await connect();
    const { status, body } = await refused();
    expect([status, body]).toEqual([409, 'This backend has a frontend already, and serves no other.\n']);
    expect(await ask('only.say')).toEqual({ result: 'said' });
    expect(host.sessions).toHaveLength(1);
  });

  it('lets in one of three frontends that connect at the same time', async () => {
    let asked = 0;
    const all = gate();
    const authorize = () => {
      if (++asked === 3) all.open();
      return all.opened.then(() => true);
    };
    const { connect, host } = await start({ authorize });
    const both = await Promise.allSettled([connect(), connect(), connect()]);
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected', 'rejected']);
    const refused = both.find((each) => each.status === 'rejected')!;
    expect(refused.reason).toMatchObject({ status: 409 });
    expect(host.sessions).toHaveLength(1);
  });

  it('lets in another frontend if the first does not answer a ping', async () => {
    const { connect, port, host, session } = await start();
    const dead = await BareFrontend.open(port);
    // It reads, and answers nothing.
    const { closed } = await session();
    const { ask } = await connect({ patienceMs: 5000 });
    expect(await ask('only.say')).toEqual({ result: 'said' });
    expect(await closed).toEqual({
      code: 1001,
      reason: 'The frontend has connected again.',
      initiator: 'local',
    });
    expect(host.sessions).toHaveLength(1);
    await dead.closed;
  });

  it('lets the frontend of a session replace it by a ticket, and no other frontend', async () => {
    const app = await start();
    const first = await byTicket(app, 'f1');
    const { closed } = await app.session();
    await expect(byTicket(app, 'f2')).rejects.toMatchObject({ status: 409 });
    await expect(app.connect()).rejects.toMatchObject({ status: 409 });
    const second = await byTicket(app, 'f1');
    expect(await closed).toEqual({
      code: 1001,
      reason: 'The frontend has connected again.',
      initiator: 'local',
    });
    await first.raw.closed;
    expect(await second.ask('only.say')).toEqual({ result: 'said' });
    expect(app.host.sessions).toHaveLength(1);
  });

  it('lets no other user replace a session by the name of its frontend', async () => {
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
      reason: 'The frontend has connected again.',
      initiator: 'local',
    });
    expect(await again.ask('only.say')).toEqual({ result: 'said' });
    expect(host.sessions).toHaveLength(1);
  });

  it.each([
    ['an empty name', ''],
    ['null for a name', null],
  ])('lets nobody replace a session by %s', async (_what, frontend) => {
    const { connect, session } = await start({ authorize: () => ({ frontend: frontend as string }) });
    const { ask } = await connect();
    await session();
    await expect(connect()).rejects.toMatchObject({ status: 409 });
    expect(await ask('only.say')).toEqual({ result: 'said' });
  });

  it('pings its frontend once if many others connect at the same time', async () => {
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

  it('keeps the session of a frontend whose next upgrade request was aborted', async () => {
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
    await settled();
    expect(await ask('only.say')).toEqual({ result: 'said' });
    expect(first.isOpen).toBe(true);
  });
});

describe('the lifetime of a dedicated backend', () => {
  it('ends when its frontend has not come back in frontendGraceMs', async () => {
    const { testApp, grace, gone, close } = await startBound();
    const { raw } = await testApp.connect();
    await raw.close();
    await until(() => grace.pending === 1);
    expect([gone.mock.calls, close.mock.calls]).toEqual([[], []]);
    grace.expire();
    await until(() => close.mock.calls.length > 0);
    await close.mock.results[0]!.value;
    expect(close).toHaveBeenCalledTimes(1);
    expect(gone).toHaveBeenCalledTimes(1);
    expect(testApp.log.find('log', 'The frontend is gone for good.')).toHaveLength(1);
    expect(IpcHost.isValid).toBe(false);
    await expect(testApp.connect()).rejects.toThrow('ECONNREFUSED');
  });

  it.each(['a close frame', 'no close frame'])(
    'continues over reloads of a page that leaves with %s',
    async (how) => {
      const { connect, session, grace, close } = await startBound();
      for (let n = 0; n < 3; n++) {
        const { raw, ask } = await connect();
        const { closed } = await session();
        expect(grace.pending).toBe(0);
        expect(await ask('only.say')).toEqual({ result: 'said' });
        if (how === 'a close frame') await raw.close(1001);
        else raw.terminate();
        await closed;
        await until(() => grace.pending === 1);
      }
      await connect();
      await session();
      expect(grace.pending).toBe(0);
      expect(close).not.toHaveBeenCalled();
    },
  );

  it('continues when a frontend replaces its session', async () => {
    const { testApp, grace, close } = await startBound();
    const first = await byTicket(testApp, 'f1');
    const { ask } = await byTicket(testApp, 'f1');
    await first.raw.closed;
    expect(await ask('only.say')).toEqual({ result: 'said' });
    await settled();
    expect(grace.pending).toBe(0);
    expect(close).not.toHaveBeenCalled();
  });

  it('is not limited before there is a frontend', async () => {
    const { refused, grace, close } = await startBound();
    await refused({ path: '/other' });
    expect(grace.pending).toBe(0);
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
  ])('does not end with its frontend if it is not bound, also if onFrontendGone %s', async (_how, fail) => {
    const gone = jest.fn(fail);
    const testApp = await start({ onFrontendGone: gone, frontendGraceMs: 1 });
    const close = jest.spyOn(testApp.app, 'close');
    await (await testApp.connect()).raw.close();
    await until(() => testApp.log.find('error', 'a fault of the application').length === 1);
    await settled();
    expect(close).not.toHaveBeenCalled();
    // Another frontend can come.
    const { raw, ask } = await testApp.connect();
    expect(await ask('only.say')).toEqual({ result: 'said' });
    await raw.close();
    await until(() => gone.mock.calls.length === 2);
  });

  it('cannot be bound for a backend of many frontends', async () => {
    const { app, host } = await start({ dedicated: false });
    expect(() => host.bindLifetime(app)).toThrow(
      'bindLifetime() is for a backend of one frontend: IpcModule.forRoot({ dedicated: true }).',
    );
  });

  it('leaves no timer when the application is closed during frontendGraceMs', async () => {
    const { testApp, grace, gone, close } = await startBound();
    const { raw } = await testApp.connect();
    await raw.close();
    await until(() => grace.pending === 1);
    await testApp.close();
    expect(grace.pending).toBe(0);
    expect(gone).not.toHaveBeenCalled();
    expect(close).toHaveBeenCalledTimes(1);
  });

  it('leaves no timer when the application is closed while a frontend is connected', async () => {
    const { testApp, grace, gone } = await startBound();
    const { raw } = await testApp.connect();
    await testApp.close();
    expect((await raw.closed).code).toBe(1001);
    await settled();
    expect(grace.pending).toBe(0);
    expect(gone).not.toHaveBeenCalled();
  });
});
