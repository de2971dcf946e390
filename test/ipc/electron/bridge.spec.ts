import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { bridgeOf, preload } from './desktop.harness.js';
import type { ITwinBridge } from '../../../libs/electron/src/bridge.js';
import { ElectronStandIn } from './electron.stand-in.js';
import type { ContentsStandIn } from './window.stand-in.js';
import { settled } from '../../harness/waiting.js';

const folder = mkdtempSync(join(tmpdir(), 'linnet-preload-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function open(
  script = preload,
  preferences: object = {},
): Promise<{ electron: ElectronStandIn; contents: ContentsStandIn }> {
  const electron = new ElectronStandIn();
  const { webContents: contents } = new electron.BrowserWindow({
    webPreferences: { preload: script, ...preferences },
  });
  contents.on('preload-error', (_event, _path, error) => electron.errors.push(error));
  await contents.load('http://127.0.0.1/');
  return { electron, contents };
}

/** A preload script of an application's own. */
function scriptOf(code: string): string {
  const path = join(folder, `${Math.random()}.cjs`);
  writeFileSync(path, code);
  return path;
}

describe('the preload script', () => {
  it('gives a page two functions, on one channel, and nothing else', async () => {
    const { electron, contents } = await open();
    const { window } = contents.page;
    expect(electron.errors).toEqual([]);
    expect(Object.keys(window)).toEqual(['linnet']);
    const bridge = bridgeOf(contents.page);
    expect(Object.keys(bridge)).toEqual(['send', 'listen']);
    expect(() => Object.assign(bridge, { send: undefined })).toThrow(TypeError);
    const came: unknown[] = [];
    for (const channel of ['linnet-ipc', 'other'])
      electron.ipcMain.on(channel, (_event, ...args: unknown[]) => came.push([channel, ...args]));
    (bridge.send as (...args: unknown[]) => void)(['a'], 'other', 'b');
    await settled();
    expect(came).toEqual([['linnet-ipc', ['a']]]);
  });

  it('gives a page the bridge of iTwin.js, without events, when an argument asks for it', async () => {
    const { electron, contents } = await open(preload, { additionalArguments: ['--linnet-itwinjs'] });
    expect(Object.keys(contents.page.window)).toEqual(['linnet', 'itwinjs']);
    const itwinjs = contents.page.window['itwinjs'] as ITwinBridge;
    expect(Object.keys(itwinjs).toSorted()).toEqual([
      'addListener',
      'invoke',
      'once',
      'removeListener',
      'send',
    ]);
    for (const name of ['linnet-ipc', 'app.quit', ''])
      for (const call of [itwinjs.send, itwinjs.addListener, itwinjs.once])
        expect(() => call(name, () => undefined)).toThrow(`illegal channel name '${name}'`);
    await expect(itwinjs.invoke('linnet-ipc')).rejects.toThrow("illegal channel name 'linnet-ipc'");
    const came: unknown[] = [];
    electron.ipcMain.on('itwin.a', (_event, ...args: unknown[]) => came.push(args));
    electron.ipcMain.handle('itwin.b', (_event, ...args: unknown[]) => args);
    itwinjs.send('itwin.a', 1, 2);
    expect(await itwinjs.invoke('itwin.b', 1, 2)).toEqual([1, 2]);
    expect(came).toEqual([[1, 2]]);
    const told: unknown[] = [];
    itwinjs.addListener('itwin.c', (...args) => told.push(args));
    itwinjs.once('itwin.c', (...args) => told.push(args));
    for (const n of [1, 2]) contents.send('itwin.c', n);
    await settled();
    expect(told).toEqual([
      [{}, 1],
      [{}, 1],
      [{}, 2],
    ]);
  });

  it('passes messages to a listener, without their events, until it is removed', async () => {
    const { contents } = await open();
    const told: unknown[][] = [];
    const stop = bridgeOf(contents.page).listen((...args: unknown[]) => told.push(args));
    contents.send('linnet-ipc', ['a', Uint8Array.of(1)], 'and more');
    contents.send('other', 'b');
    await settled();
    expect(told).toEqual([[['a', Uint8Array.of(1)]]]);
    stop();
    contents.send('linnet-ipc', ['c']);
    await settled();
    expect(told).toHaveLength(1);
    expect(contents.page.ipcRenderer.listenerCount('linnet-ipc')).toBe(0);
  });

  it('runs again before each page, but not in frames within it', async () => {
    const { contents } = await open();
    const before = bridgeOf(contents.page);
    contents.reload();
    expect(bridgeOf(contents.page)).toBeDefined();
    expect(bridgeOf(contents.page)).not.toBe(before);
    expect(contents.addFrame('http://127.0.0.1/frame').window).toEqual({});
  });
});

describe('the stand-in of Electron', () => {
  const expose = (api: string) =>
    scriptOf(`require('electron').contextBridge.exposeInMainWorld('api', ${api});`);

  it.each([
    ['another module', "require('node:fs');", 'module not found: node:fs'],
    ['a file', "require('./other.cjs');", 'module not found: ./other.cjs'],
    ['an ES module', "import 'electron';", 'Cannot use import statement outside a module'],
    [
      'the same name twice',
      "for (const api of [1, 2]) require('electron').contextBridge.exposeInMainWorld('api', api);",
      'Cannot bind an API on top of an existing property on the window object',
    ],
  ])('refuses a preload script with %s', async (_what, code, message) => {
    const { electron } = await open(scriptOf(code));
    expect(electron.errors.map((error) => (error as Error).message)).toEqual([message]);
  });

  it('shares no global between a preload script and its page', async () => {
    const { contents } = await open(scriptOf('globalThis.leak = 1; process.leak = 1;'));
    expect(contents.page.window).toEqual({});
    expect(globalThis).not.toHaveProperty('leak');
  });

  it('copies values that cross the bridge', async () => {
    const { contents } = await open(
      expose(`{
        same: (value) => value,
        made: () => new (class Shelf { row = 3; get far() { return 1; } })(),
        fail: () => { throw Object.assign(new TypeError('It fell.'), { shelf: 3 }); },
        later: async () => [1],
        secret: { [Symbol('hidden')]: 1, shown: 2 },
      }`),
    );
    const api = contents.page.window['api'] as Record<string, (value?: unknown) => unknown>;
    const sent = { list: [1, undefined, null], bytes: Uint8Array.of(1), when: new Date(0), s: Symbol('s') };
    const back = api['same']!(sent) as typeof sent;
    expect(back).toEqual({ ...sent, s: undefined });
    expect(back.bytes).not.toBe(sent.bytes);
    expect(Object.getPrototypeOf(api['made']!())).toBe(Object.prototype);
    expect(api['made']!()).toEqual({ row: 3 });
    expect(() => api['fail']!()).toThrow(new Error('It fell.'));
    expect(await api['later']!()).toEqual([1]);
    expect(Reflect.ownKeys(api['secret']!)).toEqual(['shown']);
    expect(() => api['same']!(new Proxy({}, {}))).toThrow('An object could not be cloned.');
    let deep: unknown = 1;
    for (let i = 0; i < 1000; i++) deep = [deep];
    expect(() => api['same']!(deep)).toThrow('recursion depth exceeded');
    const twice = (api['same']!((n: number) => n * 2) as (n: number) => number)(4);
    expect(twice).toBe(8);
  });

  it('clones messages, and throws for values that cannot be cloned', async () => {
    const { electron, contents } = await open();
    const { ipcRenderer } = contents.page;
    const came: unknown[] = [];
    electron.ipcMain.on('x', (_event, value) => came.push(value));
    class Shelf {
      row = 3;
    }
    const sent = { shelf: new Shelf(), list: [1] };
    ipcRenderer.send('x', sent);
    sent.list.push(2);
    await settled();
    expect(came).toEqual([{ shelf: { row: 3 }, list: [1] }]);
    for (const value of [
      () => 1,
      Promise.resolve(),
      Symbol('s'),
      new WeakMap(),
      new Proxy({}, {}),
      new Uint8Array(new SharedArrayBuffer(1)),
    ]) {
      expect(() => ipcRenderer.send('x', { value })).toThrow('An object could not be cloned.');
      contents.mainFrame.send('x', { value });
      expect(electron.errors.splice(0)).toHaveLength(1);
    }
  });

  it('emits events without a frame after the frame shows another page', async () => {
    const { electron, contents } = await open();
    const frames: unknown[] = [];
    electron.ipcMain.on('x', (event: { senderFrame: unknown }) => frames.push(event.senderFrame));
    const { frame, ipcRenderer } = contents.page;
    ipcRenderer.send('x');
    await settled();
    ipcRenderer.send('x');
    contents.reload();
    await settled();
    expect(frames).toEqual([frame, null]);
    // It is the same one, and shows the other page.
    expect(contents.mainFrame).toBe(frame);
    expect(frame.routingId).toBe(contents.page.routingId);
    contents.crash();
    expect(() => frame.url).toThrow('Render frame was disposed');
  });

  it('quits without window-all-closed, and registers schemes once', () => {
    const electron = new ElectronStandIn({ ready: false });
    const schemes = [{ scheme: 'app', privileges: { standard: true } }];
    electron.protocol.registerSchemesAsPrivileged(schemes);
    expect(() => electron.protocol.registerSchemesAsPrivileged(schemes)).toThrow('can be called only once');
    electron.app.becomeReady();
    const events: string[] = [];
    for (const name of ['window-all-closed', 'quit']) electron.app.on(name, () => events.push(name));
    new electron.BrowserWindow().close();
    expect(events.splice(0)).toEqual(['window-all-closed']);
    const window = new electron.BrowserWindow();
    electron.app.quit();
    expect([window.isDestroyed(), ...events]).toEqual([true, 'quit']);
  });

  it('destroys closed windows, and refuses unsafe ones', async () => {
    const { electron, contents } = await open();
    const [window] = electron.windows;
    window!.close();
    expect(() => window!.webContents).toThrow('Object has been destroyed');
    expect(() => contents.send('x')).toThrow('Object has been destroyed');
    expect(contents.isDestroyed()).toBe(true);
    for (const webPreferences of [{ sandbox: false }, { contextIsolation: false }, { nodeIntegration: true }])
      expect(() => new electron.BrowserWindow({ webPreferences })).toThrow('with sandbox and isolation only');
    const early = new ElectronStandIn({ ready: false });
    expect(() => new early.BrowserWindow()).toThrow('before app is ready');
  });
});
