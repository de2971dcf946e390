import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger, Module } from '@nestjs/common';
import type { INestApplicationContext, OnModuleDestroy } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IModelError, IpcChannel, IpcHost, IpcModule, IpcSession, RpcModule } from '@linnet/backend';
import {
  callShelves,
  describeWith,
  interfaces,
  operations,
  resetShelves,
  ShelvesImpl,
} from '../../harness/itwin.shelves.js';
import type { ITwinOutcome, ITwinPage } from '../../harness/itwin.shelves.js';
import { until } from '../../harness/waiting.js';
import { folder, itwinPreload, loadITwinPage } from './core-electron.page.js';
import { bridgeOf, Desktop, frontendURL, preload } from './desktop.harness.js';
import type { WindowStandIn } from './window.stand-in.js';

// ElectronApp of @itwin/core-electron, with its own preload script and with ours, against our ElectronHost.

const story: string[] = [];

@IpcChannel('lamp')
class LampHandler implements OnModuleDestroy {
  #count = 0;
  constructor(private readonly session: IpcSession) {}
  async count() {
    return ++this.#count;
  }
  async echo(...values: unknown[]) {
    return values;
  }
  async unsendable() {
    return { n: 1n };
  }
  async fail() {
    throw Object.assign(new IModelError(65537, 'It is loaded.'), { lamp: 3 });
  }
  async never() {
    return new Promise(() => undefined);
  }
  async ask(value: unknown) {
    return this.session.callIpcChannel('page', 'double', value);
  }
  onModuleDestroy() {
    story.push(`lamp of ${this.session.frontend} destroyed`);
  }
}

@Module({
  imports: [
    RpcModule.forRoot({}),
    IpcModule.forRoot({ shutdownTimeoutMs: 100, limits: { messageBytes: 2 ** 20 } }),
  ],
  providers: [ShelvesImpl, LampHandler],
})
class ShelvesModule {}

/** Has our preload script give pages `window.itwinjs`, as `openMainWindow` does where asked. */
const additionalArguments = ['--linnet-itwinjs'];

describeWith('core-electron', folder).each([
  ['its own preload script', itwinPreload],
  ['the preload script of Linnet', preload],
])('ElectronApp of core-electron with %s', (_name, script) => {
  let app: INestApplicationContext;
  let desktop: Desktop;
  let window: WindowStandIn;
  let page: ITwinPage;
  let warn: jest.SpiedFunction<Logger['warn']>;
  beforeEach(async () => {
    story.length = 0;
    resetShelves();
    warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue();
    jest.spyOn(Logger.prototype, 'error').mockReturnValue();
    app = await NestFactory.createApplicationContext(ShelvesModule, { logger: false });
    desktop = await Desktop.start({}, app, { realms: true });
    window = await desktop.open(frontendURL, { preload: script, additionalArguments });
    page = loadITwinPage(window.webContents.page);
    await page['start']!(interfaces);
  });
  afterEach(async () => {
    await desktop.stop();
    await app.close();
    jest.restoreAllMocks();
    expect(desktop.electron.errors).toEqual([]);
  });

  const sessions = () => app.get(IpcHost).sessions;
  const rpc = (operation: string, ...args: unknown[]) => callShelves(page, operation, ...args);
  const ipc = (method: string, ...args: unknown[]) =>
    page['outcome']!(page['ipc']!('lamp', method, ...args)) as Promise<ITwinOutcome>;

  it('calls RPC interfaces with values, guards and the context of the call', async () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const sent = ['a', { list: [bytes, null], deep: { bytes, when: new Date(0) } }, new Uint8Array()];
    const came = [
      'a',
      { list: [bytes, null], deep: { bytes, when: '1970-01-01T00:00:00.000Z' } },
      new Uint8Array(),
    ];
    expect(await rpc('echo', ...sent)).toEqual({ value: came });
    expect(await rpc('echo')).toEqual({ value: [] });
    expect(await rpc('size', new Uint8Array(300_000))).toEqual({ value: 300_000 });
    page['authorize']!('Bearer 1');
    expect(await rpc('context')).toEqual({
      value: {
        sessionId: 'session of the page',
        applicationId: 'page',
        accessToken: 'Bearer 1',
        rpcMethod: 'context',
      },
    });
    expect((await rpc('echo', 'locked')).error).toMatchObject({ message: 'Forbidden resource' });
  });

  it('gets errors with name, number and members, but no hidden details', async () => {
    expect((await rpc('fail', 'plain')).error).toMatchObject({
      name: 'Error',
      message: 'It fell.',
      errorNumber: 32768,
      isBackendError: true,
    });
    const { error } = await rpc('fail', 'number');
    expect(error).toMatchObject({ name: 'Already Loaded', message: 'It is loaded.', errorNumber: 65537 });
    expect(error.metadata).toMatchObject({ shelf: { row: 3 } });
    expect((await rpc('fail', 'inside')).error.message).toBe('Internal error');
    expect((await rpc('fail', 'unsendable')).error.message).toMatch(/fail.*is a BigInt/);
    expect((await rpc('gone')).error.message).toMatch('does not declare operation "gone"');
    expect((await rpc('fail', 'none')).error).toMatchObject({ errorNumber: 65604, isBackendError: false });
  });

  it('describes the RPC interfaces of the backend, and reports a version that does not fit', async () => {
    const shelves = {
      interfaceName: 'Shelves',
      interfaceVersion: '1.2.0',
      operationNames: operations,
      compatible: true,
    };
    expect(structuredClone(await page['endpoints']!())).toEqual([shelves]);
    window.webContents.reload();
    page = loadITwinPage(window.webContents.page);
    await page['start']!({ Shelves: { version: '2.0.0', operations } });
    expect((await rpc('echo')).error).toMatchObject({
      errorNumber: 135168,
      message: 'Backend version 1.2.0 does not match frontend version 2.0.0 for RPC interface echo.',
    });
  });

  it('waits for a pending operation, and handles a not-found response', async () => {
    expect(await rpc('pending')).toEqual({ value: 3 });
    page['onNotFound']!((_request: unknown, response: { shelf: number }, _again: unknown, reject: any) =>
      reject(new Error(`no shelf ${response.shelf}`)),
    );
    expect((await rpc('fail', 'not found')).error.message).toBe('no shelf 3');
  });

  it('calls channels, answers calls from the backend, and receives notifications', async () => {
    const bytes = Float64Array.of(1.5);
    expect(await ipc('echo', 'a', [bytes], undefined)).toEqual({ value: ['a', [bytes], null] });
    expect((await ipc('fail')).error).toMatchObject({
      name: 'Already Loaded',
      message: 'It is loaded.',
      errorNumber: 65537,
      isBackendError: true,
    });
    expect((await ipc('constructor')).error.message).toMatch('not available');
    expect((await ipc('unsendable')).error.message).toMatch('is a BigInt');
    page['serve']!('page', { double: async (value: number) => value * 2 });
    expect(await ipc('ask', 21)).toEqual({ value: 42 });
    const told = page['listen']!('news');
    const notified = page['notified']!('notes', 'moved');
    await app.get(IpcHost).send('news', 7, Uint8Array.of(8));
    await sessions()[0]!.send('notes', 'moved', 'left');
    await until(() => notified.length > 0);
    expect(structuredClone(told)).toEqual([[7, Uint8Array.of(8)]]);
    expect(notified).toEqual([['moved', 'left']]);
  });

  it('sends notifications, and calls handlers without an envelope', async () => {
    const host = app.get(IpcHost);
    const heard: unknown[] = [];
    host.addListener('spoken', ({ session }, ...args: unknown[]) => heard.push([session.frontend, ...args]));
    sessions()[0]!.addListener('spoken', (_event, ...args: unknown[]) => heard.push(args));
    page['send']!('spoken', 1, Uint8Array.of(2));
    await until(() => heard.length === 2);
    const args = [1, Uint8Array.of(2)];
    expect(heard).toEqual([args, [String(window.webContents.id), ...args]]);
    const end = host.handle('raw', (_event, ...args: unknown[]) => args);
    expect(await page['invoke']!('raw', 42, 'b')).toEqual([42, 'b']);
    end();
    const { error } = await page['outcome']!(page['invoke']!('raw'));
    expect(error.message).toMatch("No handler registered for 'itwin.raw'");
  });

  it('opens dialogs of the system, but none that blocks the main process', async () => {
    const options = { properties: ['openFile'] };
    expect(await page['dialog']!('showOpenDialog', options)).toEqual({ canceled: true, filePaths: [] });
    const refused = await page['outcome']!(page['dialog']!('showMessageBoxSync', {}));
    expect(refused.error.message).toBe('illegal electron dialog method');
    expect(desktop.electron.opened).toEqual([['showOpenDialog', options]]);
  });

  it('reports the internet connectivity to the page', async () => {
    expect(await page['isOnline']!()).toBe(0);
    const told = page['connectivity']!();
    await page['goOffline']!();
    await until(() => told.length > 0);
    expect(told).toEqual([1]);
    expect(await page['isOnline']!()).toBe(1);
  });

  it('has one session with its own handlers for each page, which ends with the page', async () => {
    expect(await ipc('count')).toEqual({ value: 1 });
    const [first] = sessions();
    const asked = first!.invoke('nobody');
    void ipc('never');
    void rpc('held');
    window.webContents.reload();
    await expect(asked).rejects.toThrow('The page was left.');
    expect(await first!.closed).toEqual({ code: 1001, reason: 'The page was left.', initiator: 'remote' });
    await until(() => story.length > 0);
    expect(sessions()).toEqual([]);
    const next = loadITwinPage(window.webContents.page);
    await next['start']!(interfaces);
    expect(await next['ipc']!('lamp', 'count')).toBe(1);
    expect(sessions()).toHaveLength(1);
    window.close();
    await until(() => sessions().length === 0);
  });

  it('rejects its calls when its session ends, and begins another session', async () => {
    const calls = [ipc('never'), rpc('held')];
    await ipc('count');
    sessions()[0]!.close(3001, 'enough');
    for (const { error } of await Promise.all(calls))
      expect(error.message).toBe('The IPC session is over (3001: enough).');
    expect(await ipc('count')).toEqual({ value: 1 });
  });

  it('rejects its calls when the backend closes', async () => {
    const calls = [ipc('never'), rpc('held')];
    await ipc('count');
    await desktop.backend.close();
    for (const { error } of await Promise.all(calls)) expect(error.message).toMatch('1001');
    expect((await ipc('count')).error.message).toMatch('No handler registered');
    const { app: electron, ipcMain } = desktop.electron;
    expect([
      ipcMain.handlers.size,
      ipcMain.eventNames(),
      electron.listenerCount('web-contents-created'),
    ]).toEqual([0, [], 0]);
    expect(window.webContents.listenerCount('ipc-message')).toBe(0);
  });

  it('rejects a call larger than messageBytes, and keeps its session', async () => {
    const [session] = sessions();
    expect((await ipc('echo', new Uint8Array(2 ** 21))).error.message).toMatch('larger than 1048576 bytes');
    expect((await rpc('echo', new Uint8Array(2 ** 21))).error.message).toMatch('larger than 1048576 bytes');
    const half = new Uint8Array(2 ** 19);
    expect((await rpc('echo', half, half, half)).error.message).toMatch('more than 1048576 bytes');
    expect(await rpc('size', half)).toEqual({ value: 2 ** 19 });
    expect(sessions()).toEqual([session]);
  });

  it('keeps the order of thousands of messages', async () => {
    const heard: unknown[] = [];
    app.get(IpcHost).addListener('n', (_event, n: unknown) => heard.push(n));
    const told = page['listen']!('n');
    for (let i = 0; i < 2000; i++) {
      page['send']!('n', i);
      void sessions()[0]!.send('n', i);
    }
    await until(() => heard.length === 2000 && told.length === 2000);
    const numbers = Array.from({ length: 2000 }, (_, i) => i);
    expect(heard).toEqual(numbers);
    expect(told.map(([n]: [number]) => n)).toEqual(numbers);
  });

  it('is refused in windows and pages that do not belong to the application', async () => {
    const { BrowserWindow } = desktop.electron;
    const strange = new BrowserWindow({ webPreferences: { preload: script, additionalArguments } });
    for (const [each, url] of [
      [strange, frontendURL],
      [window, 'https://evil.example/'],
    ] as const) {
      await each.loadURL(url);
      const itwinjs = each.webContents.page.window['itwinjs'] as any;
      itwinjs.send('itwin.rpc.objects', { id: '1', parameters: { objects: '[]' } });
      const answer = await itwinjs.invoke('itwin.lamp', 'count');
      expect(answer).toEqual({
        error: { name: 'Error', message: 'This page may not call the main process.' },
      });
    }
    expect(sessions()).toEqual([]);
    expect(warn.mock.calls.flat()).toEqual([
      expect.stringMatching('ElectronHost was not given its window'),
      expect.stringMatching('https://evil.example/ is not a page of the application'),
    ]);
  });

  it('calls only its own backend when there are two', async () => {
    const other = await Desktop.start({ electron: desktop.electron });
    const second = new desktop.electron.BrowserWindow({
      webPreferences: { preload: script, additionalArguments },
    });
    other.backend.addWindow(second);
    await second.loadURL(frontendURL);
    const itwinjs = second.webContents.page.window['itwinjs'] as any;
    const { error } = await itwinjs.invoke('itwin.lamp', 'count');
    expect(error.message).toBe('No handler is registered for channel: lamp');
    expect(await ipc('count')).toEqual({ value: 1 });
    expect(sessions()).toHaveLength(1);
    await other.stop();
    expect(await ipc('count')).toEqual({ value: 2 });
  });
});

describe('a page with the bridges of Linnet and iTwin.js', () => {
  it('is opened by openMainWindow with itwinjs: true, and is not answered over itwinjs with itwinjs: false', async () => {
    const open = async (itwinjs: boolean | undefined) => {
      const app = await NestFactory.createApplicationContext(ShelvesModule, { logger: false });
      const desktop = await Desktop.start({ itwinjs }, app);
      await desktop.backend.openMainWindow({ webPreferences: { additionalArguments: ['--mine'] } });
      const own = await desktop.open(frontendURL, { additionalArguments });
      const [main] = desktop.electron.windows;
      const called = (own.webContents.page.window['itwinjs'] as any).invoke('itwin.lamp', 'count');
      const answer = await called.catch((error: Error) => error.message);
      const given = Object.keys(main!.webContents.page.window);
      await desktop.stop();
      await app.close();
      return { given, answer, arguments: main!.options.webPreferences!.additionalArguments };
    };
    const asked = ['--mine', '--linnet-itwinjs'];
    expect(await open(true)).toEqual({
      given: ['linnet', 'itwinjs'],
      answer: { result: 1 },
      arguments: asked,
    });
    expect(await open(undefined)).toEqual({
      given: ['linnet'],
      answer: { result: 1 },
      arguments: ['--mine'],
    });
    expect(await open(false)).toEqual({
      given: ['linnet'],
      answer: expect.stringMatching('No handler registered'),
      arguments: ['--mine'],
    });
  });

  it('uses the bridge over which it has connected last', async () => {
    const app = await NestFactory.createApplicationContext(ShelvesModule, { logger: false });
    const desktop = await Desktop.start({}, app);
    const window = await desktop.open(frontendURL, { additionalArguments });
    const itwinjs = window.webContents.page.window['itwinjs'] as any;
    expect(await itwinjs.invoke('itwin.lamp', 'count')).toEqual({ result: 1 });
    expect(Object.keys(bridgeOf(window.webContents.page))).toEqual(['send', 'listen']);
    const frontend = desktop.frontend(window.webContents.page);
    await frontend.ready;
    expect(await frontend.callIpcChannel('lamp', 'count')).toBe(1);
    expect(app.get(IpcHost).sessions).toHaveLength(1);
    const { error } = await itwinjs.invoke('itwin.lamp', 'count');
    expect(error.message).toMatch('This page is connected by window.linnet');
    await desktop.stop();
    await app.close();
  });
});
