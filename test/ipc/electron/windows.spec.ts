import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ElectronBackend } from '@linnet/electron/main';
import type { ElectronHostOptions } from '@linnet/electron/main';
import { ElectronStandIn } from './electron.stand-in.js';
import type { WindowOptions } from './window.stand-in.js';
import { until } from '../../harness/waiting.js';

const outside = mkdtempSync(join(tmpdir(), 'linnet-outside-'));
const folder = join(outside, 'page');
beforeAll(() => {
  mkdirSync(join(folder, 'assets'), { recursive: true });
  writeFileSync(join(folder, 'index.html'), '<title>page</title>');
  writeFileSync(join(folder, 'assets/a b.js'), 'export {}');
  writeFileSync(join(outside, 'secret.txt'), 'secret');
  writeFileSync(join(outside, 'page-secret'), 'secret');
  for (const hidden of ['.git', 'assets/.hidden']) mkdirSync(join(folder, hidden));
  for (const file of ['.env', '.git/config', 'assets/.hidden/a.js'])
    writeFileSync(join(folder, file), 'secret');
  symlinkSync(join(folder, '.env'), join(folder, 'hidden.txt'));
  symlinkSync(join(outside, 'secret.txt'), join(folder, 'link.txt'));
});
afterAll(() => rmSync(outside, { recursive: true }));

let electron: ElectronStandIn;
let backend: ElectronBackend;
afterEach(async () => {
  await backend.close();
  expect(electron.errors).toEqual([]);
});

async function start(options: ElectronHostOptions = {}, ready = true): Promise<void> {
  electron = new ElectronStandIn({ ready: false });
  backend = await ElectronBackend.start({
    electronHost: { electron, webResourcesPath: folder, ...options },
  });
  if (ready) electron.app.becomeReady();
}

describe('the main window', () => {
  it('opens its page when Electron is ready, isolated whatever the options ask for', async () => {
    await start({ iconName: 'icon.png' }, false);
    const opening = backend.openMainWindow({
      width: 1000,
      webPreferences: { sandbox: false, contextIsolation: false, nodeIntegration: true, zoomFactor: 2 },
    });
    expect(backend.mainWindow).toBeUndefined();
    electron.app.becomeReady();
    await opening;
    const [window] = electron.windows;
    expect(backend.mainWindow).toBe(window);
    expect(window!.options).toMatchObject({
      width: 1000,
      icon: join(folder, 'icon.png'),
      webPreferences: {
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        nodeIntegrationInSubFrames: false,
        zoomFactor: 2,
      },
    });
    const { page } = window!.webContents;
    expect([page.url, page.origin]).toEqual(['electron://frontend/index.html', 'electron://frontend']);
    expect(Object.keys(page.window)).toEqual(['linnet']);
  });

  it('uses the preload script of the application if there is one', async () => {
    await start();
    const preload = join(outside, 'preload.cjs');
    // An interface, as Electron's types have it.
    const options: WindowOptions = { webPreferences: { preload } };
    await backend.openMainWindow(options);
    expect(electron.windows[0]!.options.webPreferences!.preload).toBe(preload);
  });

  it.each([{ webSecurity: false }, { webviewTag: true }, { allowRunningInsecureContent: true }])(
    'does not open with %j',
    async (webPreferences) => {
      await start();
      const [name] = Object.keys(webPreferences);
      await expect(backend.openMainWindow({ webPreferences })).rejects.toThrow(
        `does not open windows with ${name}: `,
      );
      expect(electron.windows).toEqual([]);
    },
  );

  it('does not open without the folder of its page or of its icon', async () => {
    for (const options of [{}, { frontendURL: 'http://127.0.0.1/', iconName: 'icon.png' }]) {
      await backend?.close();
      electron = new ElectronStandIn({ ready: false });
      backend = await ElectronBackend.start({ electronHost: { electron, ...options } });
      electron.app.becomeReady();
      await expect(backend.openMainWindow()).rejects.toThrow('ElectronHost needs webResourcesPath');
    }
  });

  it('navigates only to pages of the application, and opens no other windows', async () => {
    await start();
    await backend.openMainWindow();
    const { webContents } = electron.windows[0]!;
    await webContents.navigate('https://evil.example/');
    await webContents.navigate('file:///etc/passwd');
    expect(webContents.page.url).toBe('electron://frontend/index.html');
    await webContents.navigate('electron://frontend/help.html');
    expect(webContents.page.url).toBe('electron://frontend/help.html');
    expect(webContents.opens()).toBe('deny');
  });

  it('does not follow a redirect of the application to another site', async () => {
    await start({ frontendURL: 'http://127.0.0.1/app/' });
    electron.web = (url) =>
      url.endsWith('/leave')
        ? Response.redirect('https://evil.example/', 302)
        : url.endsWith('/stay')
          ? Response.redirect('http://127.0.0.1/app/help', 302)
          : new Response('');
    await backend.openMainWindow();
    const { webContents } = electron.windows[0]!;
    await expect(webContents.navigate('http://127.0.0.1/app/leave')).rejects.toThrow('ERR_ABORTED');
    expect(webContents.page.url).toBe('http://127.0.0.1/app/');
    await webContents.navigate('http://127.0.0.1/app/stay');
    expect(webContents.page.url).toBe('http://127.0.0.1/app/help');
  });

  it('loads its page from a development server if there is one', async () => {
    await start({ developmentServer: true, frontendPort: 5173 });
    await backend.openMainWindow();
    expect(electron.windows[0]!.webContents.page.url).toBe('http://localhost:5173/');
    await electron.windows[0]!.webContents.navigate('http://localhost:5173/help');
    expect(electron.windows[0]!.webContents.page.url).toBe('http://localhost:5173/help');
  });

  it('rejects when its page cannot be loaded', async () => {
    await start({ developmentServer: true });
    electron.web = () => undefined;
    await expect(backend.openMainWindow()).rejects.toThrow('ERR_CONNECTION_REFUSED');
  });

  it('shows its page as soon as its development server runs', async () => {
    await start({ developmentServer: true });
    electron.web = () => undefined;
    await expect(backend.openMainWindow()).rejects.toThrow('ERR_CONNECTION_REFUSED');
    electron.web = () => new Response('');
    const { webContents } = electron.windows[0]!;
    await until(() => webContents.page.url === 'http://localhost:3000/');
  });

  it('opens where a window of the same name was last seen', async () => {
    await start();
    const folder = mkdtempSync(join(tmpdir(), 'linnet-windows-'));
    electron.app.userData = folder;
    try {
      expect(backend.getWindowSizeAndPositionSetting('main')).toBeUndefined();
      expect(backend.getWindowMaximizedSetting('main')).toBeUndefined();
      const place = { x: 10, y: 20, width: 300, height: 200 };
      await backend.openMainWindow({ ...place, storeWindowName: 'main' });
      const [window] = electron.windows;
      expect('storeWindowName' in window!.options).toBe(false);
      expect(backend.getWindowSizeAndPositionSetting('main')).toEqual(place);
      expect(backend.getWindowMaximizedSetting('main')).toBe(false);
      window!.maximize();
      expect(backend.getWindowMaximizedSetting('main')).toBe(true);
      window!.setBounds({ x: 30, width: 400 });
      expect(backend.getWindowSizeAndPositionSetting('main')).toEqual(place);
      window!.close();
      expect(backend.getWindowSizeAndPositionSetting('main')).toEqual({ ...place, x: 30, width: 400 });
      expect(backend.getWindowSizeAndPositionSetting('__proto__')).toBeUndefined();
      for (const written of ['no JSON', '5', '{"main":5}', '{"main":{"bounds":{"x":"1"},"maximized":1}}']) {
        writeFileSync(join(folder, 'linnet-windows.json'), written);
        expect(backend.getWindowSizeAndPositionSetting('main')).toBeUndefined();
        expect(backend.getWindowMaximizedSetting('main')).toBeUndefined();
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('opens although its place cannot be stored', async () => {
    await start();
    const warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue();
    await backend.openMainWindow({ storeWindowName: 'main' });
    expect(electron.windows).toHaveLength(1);
    expect(warn).toHaveBeenCalledWith(expect.stringMatching('The place of window "main" is not kept'));
    warn.mockRestore();
  });

  const on = async (platform: string, work: () => Promise<void>) => {
    const { platform: real } = process;
    Object.defineProperty(process, 'platform', { value: platform });
    try {
      await work();
    } finally {
      Object.defineProperty(process, 'platform', { value: real });
    }
  };

  it('ends the application when it closes on Linux', () =>
    on('linux', async () => {
      await start();
      await backend.openMainWindow();
      electron.windows[0]!.close();
      expect(backend.mainWindow).toBeUndefined();
      await until(() => electron.app.hasQuit);
      expect(backend.isValid).toBe(false);
    }));

  it('opens again on macOS when the application is activated', () =>
    on('darwin', async () => {
      await start();
      await backend.openMainWindow({ width: 700 });
      electron.app.emit('activate');
      expect(electron.windows).toHaveLength(1);
      electron.windows[0]!.close();
      expect(electron.app.hasQuit).toBe(false);
      electron.app.emit('activate');
      expect(electron.windows[0]!.options).toMatchObject({ width: 700 });
    }));

  it('leaves its role to another open one when it closes', async () => {
    await start();
    await backend.openMainWindow();
    const [first] = electron.windows;
    await backend.openMainWindow();
    const second = electron.windows[1]!;
    first!.close();
    expect(backend.mainWindow).toBe(second);
  });
});

describe('the files of a page', () => {
  const answers = async (path: string) => {
    const response = await electron.request(`electron://frontend/${path}`);
    return [response!.status, await response!.text()];
  };

  it('are served from its folder', async () => {
    await start();
    await backend.openMainWindow();
    expect(await answers('index.html')).toEqual([200, '<title>page</title>']);
    expect(await answers('')).toEqual([200, '<title>page</title>']);
    expect(await answers('assets/a%20b.js?v=1#top')).toEqual([200, 'export {}']);
    const { headers } = (await electron.request('electron://frontend/assets/a%20b.js'))!;
    expect(headers.get('Content-Type')).toBe('text/javascript');
    expect(headers.get('X-Content-Type-Options')).toBe('nosniff');
    expect(headers.has('Content-Security-Policy')).toBe(false);
  });

  it.each([
    'nothing.html',
    'assets',
    '../secret.txt',
    '%2e%2e/secret.txt',
    '..%2fsecret.txt',
    '../page-secret',
    '..%2fpage-secret',
    'link.txt',
    '.env',
    '%2eenv',
    '.git/config',
    'assets/.hidden/a.js',
    'hidden.txt',
    '%00',
    '%zz',
    '/etc/passwd',
    'assets/..%2f..%2fsecret.txt',
  ])('do not include %s', async (path) => {
    await start();
    await backend.openMainWindow();
    expect(await answers(path)).toEqual([404, 'Not Found']);
  });

  it('are not served when the page comes from a server', async () => {
    await start({ frontendURL: 'http://127.0.0.1/' });
    electron.web = () => undefined;
    await expect(backend.openMainWindow()).rejects.toThrow('ERR_CONNECTION_REFUSED');
    expect(await electron.request('electron://frontend/index.html')).toBeUndefined();
  });

  it('have the content security policy of the application', async () => {
    await start({ contentSecurityPolicy: "default-src 'self'" });
    await backend.openMainWindow();
    const { headers } = (await electron.request('electron://frontend/'))!;
    expect(headers.get('Content-Security-Policy')).toBe("default-src 'self'");
  });
});
