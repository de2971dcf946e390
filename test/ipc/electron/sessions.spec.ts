import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable, Logger, Module, UseGuards } from '@nestjs/common';
import type { CanActivate, INestApplicationContext, OnModuleDestroy } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  CallContext,
  ClientRequestContext,
  IpcChannel,
  IpcHost,
  IpcModule,
  IpcSession,
  RpcInterface,
  RpcModule,
} from '@linnet/backend';
import { createRpcClient, IpcClosedError, IpcFrontend, rpcOverIpc } from '@linnet/common';
import { ElectronBackend } from '@linnet/electron/main';
import { electronIpc } from '@linnet/electron/renderer';
import { bridgeOf, Desktop, frontendURL } from './desktop.harness.js';
import type { WindowStandIn } from './window.stand-in.js';
import { until } from '../../harness/waiting.js';

const story: string[] = [];

@Injectable()
class NotLocked implements CanActivate {
  canActivate(context: Parameters<CanActivate['canActivate']>[0]) {
    const [shelf] = CallContext.from(context)!.arguments;
    return shelf !== 'locked';
  }
}

abstract class ShelfRpc extends RpcInterface {
  static readonly interfaceName = 'ShelfRpc';
  static interfaceVersion = '1.0.0';
  async weigh(_shelf: string, _bytes?: Uint8Array): Promise<unknown> {
    return this.forward(arguments);
  }
}

@RpcInterface(ShelfRpc)
@UseGuards(NotLocked)
class ShelfRpcImpl implements Pick<ShelfRpc, 'weigh'> {
  async weigh(shelf: string, bytes?: Uint8Array) {
    await Promise.resolve();
    const { activityId, sessionId, applicationId } = ClientRequestContext.current;
    return { shelf, bytes, activityId, sessionId, applicationId };
  }
}

@IpcChannel('shelf')
class ShelfHandler implements OnModuleDestroy {
  #count = 0;
  constructor(private readonly session: IpcSession) {
    story.push(`handler of window ${session.frontend}`);
  }
  async count() {
    return ++this.#count;
  }
  async echo(...values: unknown[]) {
    return values;
  }
  async fail(message: string) {
    throw Object.assign(new Error(message), { errorNumber: 7, shelf: { row: 3 } });
  }
  async never() {
    return new Promise(() => undefined);
  }
  async ask(value: unknown) {
    return this.session.invoke('page', value);
  }
  onModuleDestroy() {
    story.push('handler destroyed');
  }
}

@Module({
  imports: [RpcModule.forRoot({}), IpcModule.forRoot({ shutdownTimeoutMs: 100 })],
  providers: [ShelfRpcImpl, ShelfHandler],
})
class ShelfModule {}

describe('windows of an application context', () => {
  let app: INestApplicationContext;
  let desktop: Desktop;
  let window: WindowStandIn;
  let frontend: IpcFrontend;
  beforeEach(async () => {
    story.length = 0;
    jest.spyOn(Logger.prototype, 'warn').mockReturnValue();
    app = await NestFactory.createApplicationContext(ShelfModule, { logger: false });
    desktop = await Desktop.start({}, app);
    ({ window, frontend } = await desktop.connect());
  });
  afterEach(async () => {
    await desktop.stop();
    await app.close();
    jest.restoreAllMocks();
    expect(desktop.electron.errors).toEqual([]);
  });

  const sessions = () => app.get(IpcHost).sessions;
  const call = (method: string, ...args: unknown[]) => frontend.callIpcChannel('shelf', method, ...args);

  it('call channels and RPC interfaces, with guards, values and the activity of the call', async () => {
    const sent = { list: [Float64Array.of(1.5), Buffer.from('abc')], when: new Date(0), gone: () => 1 };
    const came = {
      list: [Float64Array.of(1.5), Uint8Array.of(97, 98, 99)],
      when: '1970-01-01T00:00:00.000Z',
    };
    expect(await call('echo', sent, undefined, null)).toEqual([came, null, null]);
    const client = createRpcClient({
      transport: rpcOverIpc(frontend),
      sessionId: 'S',
      applicationId: 'page',
    });
    const shelves = client.client(ShelfRpc).with({ activityId: 'click' });
    const context = { activityId: 'click', sessionId: 'S', applicationId: 'page' };
    const bytes = Uint8Array.of(1, 2);
    expect(await shelves.weigh('top', bytes)).toEqual({ shelf: 'top', bytes, ...context });
    await expect(shelves.weigh('locked')).rejects.toThrow('Forbidden resource');
    const error = { message: 'It fell.', errorNumber: 7, shelf: { row: 3 } };
    await expect(call('fail', 'It fell.')).rejects.toMatchObject(error);
    await expect(call('echo', { a: 1n })).rejects.toThrow('is a BigInt');
  });

  it('receive notifications, and answer calls from the backend', async () => {
    const told = new Promise((resolve) => frontend.addListener('news', (_event, ...news) => resolve(news)));
    await app.get(IpcHost).send('news', 7, Uint8Array.of(8));
    expect(await told).toEqual([7, Uint8Array.of(8)]);
    frontend.handle('page', (value: number) => value * 2);
    expect(await call('ask', 21)).toBe(42);
  });

  it('have one session each, with handlers of its own and the id of its window', async () => {
    const other = await desktop.connect();
    expect([await call('count'), await call('count')]).toEqual([1, 2]);
    expect(await other.frontend.callIpcChannel('shelf', 'count')).toBe(1);
    const ids = [window, other.window].map(({ webContents }) => `handler of window ${webContents.id}`);
    expect(story).toEqual(ids);
  });

  it('keep thousands of messages in order, both ways', async () => {
    const got: unknown[] = [];
    frontend.addListener('count', (_event, n) => got.push(n));
    const [session] = sessions();
    for (let i = 0; i < 3000; i++) void session!.send('count', i);
    const answers = await Promise.all(Array.from({ length: 900 }, (_, i) => call('echo', i)));
    expect(answers).toEqual(Array.from({ length: 900 }, (_, i) => [i]));
    expect(got).toEqual(Array.from({ length: 3000 }, (_, i) => i));
  });

  const ends: [string, (window: WindowStandIn) => unknown, string][] = [
    ['is reloaded', ({ webContents }) => webContents.reload(), 'The page was left.'],
    [
      'goes to another page',
      ({ webContents }) => webContents.navigate(`${frontendURL}b`),
      'The page was left.',
    ],
    ['is closed', (each) => each.close(), 'The window was closed.'],
    ['crashes', ({ webContents }) => webContents.crash(), "The page's process is gone: crashed."],
    [
      'cannot load its next page',
      ({ webContents }) => webContents.fail(-102, frontendURL),
      'The page was left.',
    ],
  ];

  it.each(ends)('end their session, its calls and its handlers when one %s', async (_how, end, reason) => {
    const [session] = sessions();
    frontend.handle('page', () => new Promise(() => undefined));
    const asked = session!.invoke('page');
    void call('never').catch(() => undefined);
    await call('count');
    await end(window);
    await expect(asked).rejects.toThrow(IpcClosedError);
    expect(await session!.closed).toEqual({ code: 1001, reason, initiator: 'remote' });
    expect(sessions()).toEqual([]);
    await until(() => story.includes('handler destroyed'));
  });

  it('keep their session when a navigation stays in the page or is aborted', async () => {
    window.webContents.navigateInPage('place');
    window.webContents.fail(-3, `${frontendURL}download.zip`);
    expect(await call('count')).toBe(1);
    expect(sessions()).toHaveLength(1);
  });

  it('begin another session with another page, which receives nothing of the earlier one', async () => {
    const [first] = sessions();
    await call('count');
    const late = window.webContents.page;
    window.webContents.reload();
    const page = window.webContents.page;
    const heard: unknown[] = [];
    bridgeOf(page).listen((message) => heard.push(message));
    const second = desktop.frontend(page);
    await second.ready;
    expect(await second.callIpcChannel('shelf', 'count')).toBe(1);
    expect(sessions()).toHaveLength(1);
    expect(sessions()[0]).not.toBe(first);
    // Late messages of the earlier page end nothing.
    late.ipcRenderer.send('linnet-ipc', ['of the page before']);
    expect(await second.callIpcChannel('shelf', 'count')).toBe(2);
    const names = new Set(heard.map((message) => (message as unknown[])[0]));
    expect(names.size).toBe(1);
  });

  it('reject pending calls, and begin another session, when only the session ends', async () => {
    const pending = call('never');
    sessions()[0]!.close(3001, 'enough');
    await expect(pending).rejects.toEqual(
      new IpcClosedError({ code: 3001, reason: 'enough', initiator: 'remote' }),
    );
    await frontend.ready;
    expect(await call('count')).toBe(1);
  });

  it('lose their session to another frontend of their page, which ends its own when it closes', async () => {
    const page = window.webContents.page;
    const first = desktop.frontend(page, { reconnect: false });
    await first.ready;
    frontend.close();
    const pending = first.callIpcChannel('shelf', 'never');
    const second = desktop.frontend(page, { reconnect: false });
    await expect(pending).rejects.toThrow('Another frontend of this frame has connected.');
    await second.ready;
    const [session] = sessions();
    second.close();
    expect(await session!.closed).toEqual({ code: 1000, reason: 'closed by this side', initiator: 'remote' });
  });

  it('lose their session when the application closes, and leave no listener behind', async () => {
    const [session] = sessions();
    const pending = call('never');
    await app.close();
    await expect(pending).rejects.toThrow(IpcClosedError);
    expect((await session!.closed).code).toBe(1001);
    expect(desktop.backend.isValid).toBe(false);
    const { app: electron, ipcMain } = desktop.electron;
    await desktop.backend.close();
    expect([electron.listenerCount('will-quit'), ipcMain.listenerCount('linnet-ipc')]).toEqual([0, 0]);
  });

  it('have their application closed once before Electron quits', async () => {
    const { app: electron } = desktop.electron;
    const close = app.close.bind(app);
    const closing = jest.spyOn(app, 'close');
    const held = new Promise<void>((release) => {
      closing.mockImplementation(async () => {
        electron.quit();
        expect(electron.hasQuit).toBe(false);
        await close();
        release();
      });
    });
    electron.quit();
    electron.quit();
    await held;
    await until(() => electron.hasQuit);
    expect(closing).toHaveBeenCalledTimes(1);
    closing.mockRestore();
  });

  it('lose their session when the Electron backend closes', async () => {
    const pending = call('never');
    await desktop.backend.close();
    await expect(pending).rejects.toThrow('The main process has ended the connection.');
    expect(sessions()).toEqual([]);
    const once = desktop.frontend(window.webContents.page, { connectTimeoutMs: 20, reconnect: false });
    await expect(once.ready).rejects.toThrow('Connecting takes too long.');
  });

  it('reject a value nested deeper than the wires allow', async () => {
    let deep: unknown = 1;
    for (let i = 0; i < 998; i++) deep = [deep];
    await expect(call('echo', deep)).rejects.toThrow('nested deeper');
    await frontend.ready;
    expect(await call('echo', 1)).toEqual([1]);
  });

  it('belong to one of two backends, which are separate', async () => {
    const electronHost = { electron: desktop.electron, frontendURL };
    const other = await ElectronBackend.start({ electronHost });
    const second = new desktop.electron.BrowserWindow({ webPreferences: window.options.webPreferences! });
    other.addWindow(second);
    await second.loadURL(frontendURL);
    const frontendOfOther = new IpcFrontend(electronIpc(bridgeOf(second.webContents.page)));
    await frontendOfOther.ready;
    await expect(frontendOfOther.callIpcChannel('shelf', 'count')).rejects.toThrow('shelf');
    expect(await call('count')).toBe(1);
    expect(sessions()).toHaveLength(1);
    // Neither can act on the other's session.
    expect(jest.mocked(Logger.prototype.warn)).not.toHaveBeenCalled();
    frontendOfOther.close();
    await other.close();
    const lost = desktop.frontend(second.webContents.page, { connectTimeoutMs: 20, reconnect: false });
    await expect(lost.ready).rejects.toThrow('Connecting takes too long.');
    expect(jest.mocked(Logger.prototype.warn)).toHaveBeenCalledTimes(1);
  });
});
