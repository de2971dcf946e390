import { IpcChannel, IpcClosedError, IpcHost } from '@linnet/backend';
import type { IpcSession } from '@linnet/backend';
import { closeIpcApps, pair, startIpcApp } from '../../../harness/ipc.harness.js';
import { until } from '../../../harness/waiting.js';
import type { IpcTestApp, TestFrontend } from '../../../harness/ipc.harness.js';

interface View {
  zoom(factor: number): Promise<string>;
}

/** Connects a frontend that replies to each call by a function of its arguments. */
async function replying(
  app: IpcTestApp,
  reply: (...args: unknown[]) => unknown,
): Promise<{ frontend: TestFrontend; session: IpcSession; asked: string[] }> {
  const { frontend, session } = await pair(app);
  const asked: string[] = [];
  void (async () => {
    for (;;) {
      const { channel, data } = await frontend.raw.nextMessage(60_000);
      const [to, ...args] = data as [string, ...unknown[]];
      asked.push(`${channel} ${to}`);
      const answer = reply(...args);
      if (answer !== 'never') frontend.raw.send(to, answer);
    }
  })().catch(() => undefined);
  return { frontend, session, asked };
}

afterEach(closeIpcApps);

describe('a call from the backend to a frontend', () => {
  it('is sent with the name of its own reply channel, and resolves with the reply as it is', async () => {
    const app = await startIpcApp();
    const { session, asked } = await replying(app, (...args) => args);
    expect(await session.invoke('view', 1, { a: 2 })).toEqual([1, { a: 2 }]);
    expect(await session.invoke({ name: 'view' })).toEqual([]);
    expect(await session.invoke('other')).toEqual([]);
    expect(asked).toEqual([
      'itwin.view itwin.view-invoke_response-1',
      'itwin.view itwin.view-invoke_response-2',
      'itwin.other itwin.other-invoke_response-3',
    ]);
  });

  it('carries bytes in both directions', async () => {
    const app = await startIpcApp();
    const { session } = await replying(app, (bytes) => bytes);
    expect(await session.invoke('view', Float64Array.of(0.5))).toEqual(Float64Array.of(0.5));
  });

  it('resolves through a proxy with the result in the envelope of the reply', async () => {
    const app = await startIpcApp();
    const { session } = await replying(app, (method, factor) =>
      method === 'zoom' ? { result: `zoomed ${String(factor)}` } : {},
    );
    const view = session.makeIpcProxy<View & { nothing(): Promise<void> }>('view');
    expect(await view.zoom(2)).toBe('zoomed 2');
    expect(await view.nothing()).toBeUndefined();
    expect(await session.callIpcChannel('view', 'zoom', 3)).toBe('zoomed 3');
    // Awaiting the proxy does not call it.
    expect(view).not.toHaveProperty('then');
  });

  it('rejects with the error that the handler of the frontend throws', async () => {
    const errors = [
      { message: 'too near', name: 'ZoomError', stack: 'at frontend.js', limit: 3 },
      { message: 7 },
      'just text',
      0,
      null,
    ];
    const app = await startIpcApp();
    const { session } = await replying(app, () => ({ error: errors.shift() }));
    const { zoom } = session.makeIpcProxy<View>('view');
    const error = (await zoom(1).catch((thrown: unknown) => thrown)) as Error;
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ message: 'too near', name: 'ZoomError', limit: 3 });
    expect(error.stack).not.toContain('frontend.js');
    await expect(zoom(1)).rejects.toThrow('unknown error');
    for (const thrown of ['just text', 0, null]) await expect(zoom(1)).rejects.toBe(thrown);
  });

  it('rejects when the frontend does not answer in time, and a late reply is an ordinary notification', async () => {
    const app = await startIpcApp({ ipc: { invokeTimeoutMs: 20 } });
    const { session, frontend } = await replying(app, () => 'never');
    await expect(session.invoke('view')).rejects.toThrow(
      'The frontend did not answer on "view" within 20 ms.',
    );
    const heard: unknown[] = [];
    app.host.addListener('view-invoke_response-1', (_event, value) => heard.push(value));
    frontend.raw.send('itwin.view-invoke_response-1', 'late');
    await until(() => heard.length === 1);
    await expect(session.invoke('view')).rejects.toThrow('within 20 ms');
  });

  it('waits without limit if invokeTimeoutMs is 0', async () => {
    const app = await startIpcApp({ ipc: { invokeTimeoutMs: 0 } });
    const { session } = await replying(app, () => 'never');
    const waiting = session.invoke('view');
    session.close(3001, 'enough');
    await expect(waiting).rejects.toBeInstanceOf(IpcClosedError);
  });

  it('rejects when the frontend leaves', async () => {
    const app = await startIpcApp();
    const { session, frontend } = await replying(app, () => 'never');
    const waiting = Promise.allSettled([session.invoke('view'), session.makeIpcProxy<View>('view').zoom(1)]);
    frontend.raw.terminate();
    for (const outcome of await waiting)
      expect(outcome).toEqual({ status: 'rejected', reason: expect.any(IpcClosedError) });
  });

  it('ignores a reply from another session, and a second reply', async () => {
    const app = await startIpcApp();
    const first = await replying(app, () => 'never');
    const second = await replying(app, () => 'never');
    const waiting = first.session.invoke('view');
    await until(() => first.asked.length === 1);
    second.frontend.raw.send('itwin.view-invoke_response-1', 'forged');
    // It has been taken for a message like any other by now.
    await second.frontend.ask('nobody.there');
    first.frontend.raw.send('itwin.view-invoke_response-1', 'first');
    first.frontend.raw.send('itwin.view-invoke_response-1', 'second');
    expect(await waiting).toBe('first');
  });

  it('goes to the only session, or to the session of the current call, if IpcHost makes it', async () => {
    @IpcChannel('back')
    class BackHandler {
      async ask() {
        return IpcHost.invoke('who');
      }
      async zoom() {
        return IpcHost.makeIpcProxy<View>('who').zoom(1);
      }
    }
    const app = await startIpcApp({ providers: [BackHandler] });
    const { host } = app;
    await expect(host.invoke('who')).rejects.toThrow('No frontend is connected over IPC.');
    const first = await replying(app, (method) => (method ? { result: 'first' } : 'first'));
    expect(await host.invoke('who')).toBe('first');
    const second = await replying(app, (method) => (method ? { result: 'second' } : 'second'));
    await expect(host.invoke('who')).rejects.toThrow(
      '2 frontends are connected: call one of them by its session.',
    );
    await expect(host.makeIpcProxy<View>('who').zoom(1)).rejects.toThrow('2 frontends are connected');
    expect(await second.frontend.ask('back.ask')).toEqual({ result: 'second' });
    expect(await first.frontend.ask('back.zoom')).toEqual({ result: 'first' });
  });

  it('never goes to another session than that of the current call if IpcHost makes it', async () => {
    let outcome: Promise<unknown> | undefined;
    let proceed: () => void = () => undefined;
    @IpcChannel('back')
    class BackHandler {
      async ask() {
        await new Promise<void>((resolve) => (proceed = resolve));
        outcome = IpcHost.invoke('who').catch((error: unknown) => error);
      }
    }
    const app = await startIpcApp({ providers: [BackHandler] });
    const first = await replying(app, () => 'first');
    const second = await replying(app, () => 'second');
    first.frontend.ask('back.ask').catch(() => undefined);
    await first.frontend.ask('nobody.there');
    first.session.close(3001, 'enough');
    proceed();
    await until(() => outcome);
    expect(await outcome).toBeInstanceOf(IpcClosedError);
    expect(second.asked).toEqual([]);
  });
});

describe('the static members of IpcHost', () => {
  @IpcChannel('face')
  class FaceHandler {
    async sessions() {
      return IpcHost.sessions.length;
    }
  }
  const start = () => startIpcApp({ providers: [FaceHandler] });

  it('belong to the only application', async () => {
    expect(IpcHost.isValid).toBe(false);
    expect(() => IpcHost.sessions).toThrow('There is no IpcHost');
    const app = await start();
    expect(IpcHost.isValid).toBe(true);
    const { raw, ask } = await app.connect();
    expect(await ask('face.sessions')).toEqual({ result: 1 });
    expect(IpcHost.sessions).toEqual(app.host.sessions);
    void IpcHost.send('robot', 1);
    void IpcHost.notifications<object, { moved(id: number): void }>('robot').moved(7);
    expect((await raw.messages(2)).map(({ data }) => data)).toEqual([[1], ['moved', 7]]);
    const heard: unknown[] = [];
    const listener = (_event: unknown, value: unknown) => heard.push(value);
    IpcHost.addListener('told', listener as never);
    const end = IpcHost.handle('bare', (_event, method) => method);
    raw.send('itwin.told', 1);
    expect(await ask('bare.any')).toBe('any');
    IpcHost.removeListener('told', listener as never);
    end();
    raw.send('itwin.told', 2);
    expect(await ask('bare.any')).toHaveProperty('error');
    expect(heard).toEqual([1]);
    await app.close();
    expect(IpcHost.isValid).toBe(false);
    await expect(IpcHost.invoke('x')).rejects.toThrow('There is no IpcHost');
  });

  it('throw if there are two applications, except in a call of one of them', async () => {
    const one = await start();
    const other = await start();
    const { ask } = await one.connect();
    for (let n = 0; n < 2; n++) await other.connect();
    await until(() => other.host.sessions.length === 2);
    expect(() => IpcHost.sessions).toThrow(
      'There are several applications with IpcModule: inject the IpcHost of one of them.',
    );
    expect(() => IpcHost.send('x')).toThrow('There are several applications');
    expect(await ask('face.sessions')).toEqual({ result: 1 });
    const heard: number[] = [];
    one.host.addListener('told', () => heard.push(IpcHost.sessions.length));
    await (await one.connect()).ask('face.sessions');
    (await one.connect()).raw.send('itwin.told');
    await until(() => heard.length === 1);
    expect(heard).toEqual([3]);
  });
});
