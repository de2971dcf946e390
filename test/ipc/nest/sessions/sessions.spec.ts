import { setImmediate as nextTurn } from 'node:timers/promises';
import { ipcChannel, IpcChannel, IpcClosedError, IpcHost } from '@linnet/backend';
import type { IpcSession } from '@linnet/backend';
import { closeIpcApps, pair, startIpcApp } from '../../../harness/ipc.harness.js';
import { until } from '../../../harness/waiting.js';

interface RobotNotifications {
  moved(id: number, position: { x: number }): void;
}
const robotChannel = ipcChannel<{ drive(): Promise<void> }, RobotNotifications>('robot-v1');

@IpcChannel('host')
class HostHandler {
  async session() {
    return IpcHost.sessions.length;
  }
}

const start = (ipc = {}) => startIpcApp({ ipc, providers: [HostHandler] });

afterEach(closeIpcApps);

describe('a notification of a Nest application', () => {
  it('reaches every session if the host sends it, and one session if the session sends it', async () => {
    const app = await start();
    const first = await pair(app);
    const second = await pair(app);
    await app.host.send('robot-v1', 'all', { n: 1 });
    await second.session.send(robotChannel, 'one');
    await app.host.notifications(robotChannel).moved(7, { x: 1 });
    await first.session.notifications(robotChannel).moved(8, { x: 2 });
    const push = (sequence: number, ...data: unknown[]) => ({
      type: 1,
      channel: 'itwin.robot-v1',
      data,
      sequence,
    });
    expect(await first.frontend.raw.messages(3)).toEqual([
      push(0, 'all', { n: 1 }),
      push(1, 'moved', 7, { x: 1 }),
      push(2, 'moved', 8, { x: 2 }),
    ]);
    expect(await second.frontend.raw.messages(3)).toEqual([
      push(0, 'all', { n: 1 }),
      push(1, 'one'),
      push(2, 'moved', 7, { x: 1 }),
    ]);
  });

  it('can be sent as soon as there is a session', async () => {
    const { connect, host } = await start({
      authorize: () => {
        setImmediate(() => void host.send('early', 'before'));
        return true;
      },
    });
    const { raw } = await connect();
    void host.send('early', 'behind');
    expect((await raw.messages(2)).map(({ data }) => data)).toEqual([['before'], ['behind']]);
  });

  it('has exactly the given channel name if it is sent through host.ipc', async () => {
    const app = await start();
    const { frontend } = await pair(app);
    await app.host.ipc.send('exact', 1);
    await IpcHost.ipc.send('exact', 2);
    expect(await frontend.raw.messages(2)).toMatchObject([{ channel: 'exact' }, { channel: 'exact' }]);
    const heard: unknown[] = [];
    const end = app.host.ipc.addListener('exact', (_event, value) => heard.push(value));
    app.host.ipc.handle('bare', (_event, method, ...args) => [method, ...args]);
    frontend.raw.send('exact', 'a');
    // No envelope.
    expect(await frontend.raw.invoke('bare', 'any', 1, 2)).toEqual(['any', 1, 2]);
    end();
    frontend.raw.send('exact', 'b');
    await frontend.ask('host.session');
    expect(heard).toEqual(['a']);
  });

  it('reaches listeners of its session and of the host until they are removed', async () => {
    const app = await start();
    const first = await pair(app);
    const second = await pair(app);
    const heard: string[] = [];
    const listener = (where: string) => (event: { session: IpcSession }, text: string) => {
      heard.push(`${where} ${text} ${event.session === first.session ? 'first' : 'second'}`);
    };
    const ofSession = listener('session');
    const ofHost = listener('host');
    const stop = first.session.addListener(robotChannel, ofSession);
    const stopHost = app.host.addListener('robot-v1', ofHost);
    for (const [who, text] of [
      [first, 'a'],
      [second, 'b'],
    ] as const) {
      who.frontend.raw.send('itwin.robot-v1', text);
      await who.frontend.ask('host.session');
    }
    expect(heard).toEqual(['session a first', 'host a first', 'host b second']);
    stop();
    stopHost();
    first.session.addListener('robot-v1', ofSession);
    first.session.removeListener('robot-v1', ofSession);
    app.host.addListener(robotChannel, ofHost);
    app.host.removeListener(robotChannel, ofHost);
    first.frontend.raw.send('itwin.robot-v1', 'c');
    await first.frontend.ask('host.session');
    expect(heard).toHaveLength(3);
  });

  it('throws with the path of a value that cannot be sent, and takes no sequence number', async () => {
    const app = await start();
    const { frontend, session } = await pair(app);
    const cycle: Record<string, unknown> = {};
    cycle['a'] = { b: cycle };
    expect(() => session.send('robot-v1', { deep: [1n] })).toThrow(/deep/);
    expect(() => session.send('robot-v1', cycle)).toThrow(/a\.b/);
    expect(() => session.send('robot-v1', new BigInt64Array(1))).toThrow(/BigInt/);
    expect(() => app.host.send('robot-v1', 1n)).toThrow(/BigInt/);
    await expect(session.invoke('robot-v1', 1n)).rejects.toThrow(/BigInt/);
    await session.send('robot-v1', 'good');
    expect(await frontend.raw.nextMessage()).toMatchObject({ data: ['good'], sequence: 0 });
  });

  it('throws for a value that cannot be sent also if there is no session', async () => {
    const { host } = await start();
    expect(() => host.send('robot-v1', { deep: [1n] })).toThrow(/deep/);
    expect(() => host.ipc.send('robot-v1', 1n)).toThrow(/BigInt/);
    await host.send('robot-v1', 'good');
  });
});

describe('the end of an IPC session', () => {
  it.each([
    [undefined, undefined, 1000, ''],
    [3001, 'enough', 3001, 'enough'],
    [4999, 'ä'.repeat(100), 4999, 'ä'.repeat(61)],
  ])('reaches the frontend with its code and reason: %p %p', async (code, reason, told, because) => {
    const app = await start();
    const { frontend, session } = await pair(app);
    void session.send('last', 'word');
    session.close(code, reason);
    expect(session.isOpen).toBe(false);
    expect(app.host.sessions).toEqual([]);
    expect((await frontend.raw.nextMessage()).data).toEqual(['word']);
    expect(await frontend.raw.closed).toEqual({ code: told, reason: because });
    expect(await session.closed).toEqual({ code: code ?? 1000, reason: reason ?? '', initiator: 'local' });
    session.close(3002, 'again');
  });

  it('is reported by the closed promise and the signal of the session, whichever side ended it', async () => {
    const app = await start();
    const { frontend, session } = await pair(app);
    const early = session.signal;
    expect([early.aborted, session.isOpen]).toEqual([false, true]);
    frontend.raw.socket.close(3003, 'leaving');
    expect(await session.closed).toEqual({ code: 3003, reason: 'leaving', initiator: 'remote' });
    expect(early.aborted).toBe(true);
    expect(early.reason).toEqual(new IpcClosedError({ code: 3003, reason: 'leaving', initiator: 'remote' }));
    expect((early.reason as Error).message).toBe('The IPC session is over (3003: leaving).');
    expect(session.signal).toBe(early);
    const broken = await pair(app);
    broken.frontend.raw.terminate();
    expect(await broken.session.closed).toMatchObject({ code: 1006 });
    // Asked for afterwards for the first time.
    expect(broken.session.signal.aborted).toBe(true);
  });

  it('rejects the calls and notifications that wait', async () => {
    const app = await start();
    const { session } = await pair(app);
    const waiting = session.invoke('robot-v1', 'a');
    session.close(3001, 'enough');
    await expect(waiting).rejects.toBeInstanceOf(IpcClosedError);
    await expect(session.invoke('robot-v1')).rejects.toThrow('The IPC session is over (3001: enough).');
    await expect(session.send('robot-v1')).rejects.toBeInstanceOf(IpcClosedError);
    // Nothing waits for this one, and it is not an unhandled rejection.
    void session.send('robot-v1');
    await app.host.send('robot-v1');
    await nextTurn();
  });

  it('ends no other session', async () => {
    const app = await start();
    const first = await pair(app);
    const second = await pair(app);
    first.session.close();
    expect(app.host.sessions).toEqual([second.session]);
    expect(await second.frontend.ask('host.session')).toEqual({ result: 1 });
  });
});

describe('an IPC session', () => {
  it('has the headers of its handshake and its own id', async () => {
    const app = await startIpcApp();
    await app.connect({ headers: { 'X-Robot': 'r7' } });
    await app.connect();
    await until(() => app.host.sessions.length === 2);
    const [first, second] = app.host.sessions;
    expect(first!.headers['x-robot']).toBe('r7');
    expect(first!.id).not.toBe(second!.id);
    expect([first!.user, first!.accessToken, first!.frontend]).toEqual([undefined, '', undefined]);
  });
});
