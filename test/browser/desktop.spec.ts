import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { ElectronHost } from '@linnet/electron/main';
import { startRobotWorldDesktop } from '../../apps/robot-world-desktop/src/robot-world.desktop.js';
import { until } from '../harness/waiting.js';
import { bridgeOf } from '../ipc/electron/desktop.harness.js';
import { ElectronStandIn } from '../ipc/electron/electron.stand-in.js';
import { install } from '../ipc/electron/installed.cjs';
import { errorsOf, inBrowser, launchChromium } from './chromium.js';

// The content of a window: the page of robot-world, from the files and under the policy of the desktop application, in
// Chromium. Its preload script runs in the stand-in, which carries messages between the page and the script.

jest.setTimeout(60_000);

inBrowser('the page of robot-world in a window of Electron', () => {
  const electron = new ElectronStandIn({ ready: false });
  const requests: string[] = [];
  let browser: Browser;
  let page: Page;
  let errors: string[];

  beforeAll(async () => {
    jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    install(electron);
    await startRobotWorldDesktop();
    electron.app.becomeReady();
    await ElectronHost.openMainWindow();
    browser = await launchChromium();
    page = await browser.newPage();
    errors = errorsOf(page);
    await serveFiles();
    await serveBridge();
    await page.goto('https://frontend.test/index.html');
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    electron.app.quit();
    await until(() => electron.app.hasQuit);
    await ElectronHost.shutdown();
    jest.restoreAllMocks();
  });

  /** Chromium alone knows no `electron://`: another secure origin stands for it. */
  async function serveFiles(): Promise<void> {
    await page.route('**', async (route) => {
      const url = route.request().url();
      requests.push(url);
      const response = (await electron.request(url.replace('https://frontend.test', 'electron://frontend')))!;
      const body = Buffer.from(await response.arrayBuffer());
      await route.fulfill({ status: response.status, headers: Object.fromEntries(response.headers), body });
    });
  }

  async function serveBridge(): Promise<void> {
    const bridge = bridgeOf(electron.windows[0]!.webContents.page);
    await page.exposeFunction('sendToMain', (message: unknown[]) => bridge.send(message));
    await page.addInitScript(`
      const listeners = new Set();
      window.tellPage = (message) => listeners.forEach((listener) => listener(message));
      window.linnet = {
        send: (message) => void window.sendToMain(message),
        listen: (listener) => { listeners.add(listener); return () => listeners.delete(listener); },
      };
    `);
    const told = (message: unknown) =>
      (globalThis as unknown as { tellPage(message: unknown): void }).tellPage(message);
    // One that comes when the page is closed has nobody to hear it.
    bridge.listen((message) => void page.evaluate(told, message).catch(() => undefined));
  }

  const news = (text: string | RegExp) => page.locator('#news', { hasText: text }).waitFor();
  const backend = (name: string) => page.locator(`#backends [data-name="${name}"]`).innerText();

  it('gets its floor over RPC, and nothing from a network', async () => {
    await news(/^500 robots and [\d,]+ obstacles are on the floor/);
    expect(await backend('robot-world')).toBe('robot-world: connected');
    expect(await backend('fleet-planner')).toMatch(/^fleet-planner: not in the desktop application/);
    expect(requests.filter((url) => !url.startsWith('https://frontend.test/'))).toEqual([]);
    expect(requests.map((url) => new URL(url).pathname)).not.toContain('/backends.json');
  });

  it('drives a robot over IPC, and shows the work of the main process', async () => {
    await page.getByRole('combobox', { name: 'Robot' }).selectOption('0xa');
    await page.getByLabel('East').fill('38');
    await page.getByLabel('North').fill('14.4');
    await page.getByRole('button', { name: 'Drive there' }).click();
    await news('Robot 10 has arrived.');
    const activity = page.locator('details[data-activity]').filter({ hasText: 'Drive Robot 10' }).first();
    await activity.getByText('Robot 0xa has arrived').first().waitFor();
    expect(errors).toEqual([]);
    expect(electron.errors).toEqual([]);
  });
});
