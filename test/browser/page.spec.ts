import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { ActivityLogger, IpcHost } from '@linnet/backend';
import { createRobotWorldApp } from '../../apps/robot-world/src/robot-world.app.js';

const executablePath =
  process.env['CHROMIUM'] ??
  ['/usr/bin/chromium', '/usr/bin/google-chrome', '/usr/bin/chromium-browser'].find((path) =>
    existsSync(path),
  );
const picture = join(import.meta.dirname, '../../docs/images/robot-world.png');

if (executablePath === undefined)
  console.warn('The browser tests are skipped: no Chromium here (CHROMIUM may name one).');
const inBrowser = executablePath === undefined ? describe.skip : describe;

inBrowser('the page of robot-world, in Chromium', () => {
  let app: NestExpressApplication;
  let browser: Browser;
  let url: string;

  beforeAll(async () => {
    app = await createRobotWorldApp(new ActivityLogger({ logLevels: [] }));
    const server = await app.listen(0, '127.0.0.1');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    browser = await chromium.launch({
      executablePath: executablePath!,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-background-networking',
        '--disable-component-update',
      ],
    });
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await app?.close();
  });

  /** The page, loaded, with the errors it reports. */
  async function open(
    options: Parameters<Browser['newPage']>[0] = {},
  ): Promise<{ page: Page; errors: string[] }> {
    const page = await browser.newPage({ viewport: { width: 1100, height: 900 }, ...options });
    const errors: string[] = [];
    page.on('pageerror', ({ message }) => errors.push(message));
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    await page.goto(url);
    await page.getByText('bytes:').waitFor();
    await page.getByText('describeFloor').waitFor();
    await page.getByText('robots are here').waitFor();
    return { page, errors };
  }

  async function takePicture(page: Page): Promise<void> {
    await page.getByRole('button', { name: 'Count the robots' }).click();
    await page.getByRole('button', { name: 'Set them all going' }).click();
    await page.waitForTimeout(2500);
    await page.screenshot({ path: picture });
  }

  it('counts robots over RPC at a click, and draws the floor', async () => {
    const { page, errors } = await open();
    await page.getByRole('button', { name: 'Count the robots' }).click();
    await page.getByText(/500 robots, in/).waitFor();
    const colours = await page.evaluate<number>(`(() => {
      const canvas = document.getElementById('floor');
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      return new Set(new Uint32Array(data.buffer)).size;
    })()`);
    // Free floor, obstacles, robots.
    expect(colours).toBe(3);
    expect(errors).toEqual([]);
  });

  it('drives a robot over IPC to where somebody clicks, for every page to see', async () => {
    const [driver, watcher] = [await open(), await open()];
    // Robot 297 stands at (8.9 m, 13.6 m), with nothing in its way. The canvas shows 80 m × 32 m.
    const to = { x: 11.5, y: 13.6 };
    const colourThere = () =>
      watcher.page.evaluate<string>(`(() => {
        const canvas = document.getElementById('live');
        const [x, y] = [${to.x / 80} * canvas.width, (1 - ${to.y / 32}) * canvas.height];
        return canvas.getContext('2d').getImageData(x, y, 1, 1).data.join();
      })()`);
    const before = await colourThere();
    const canvas = driver.page.locator('#live');
    const { width, height } = (await canvas.boundingBox())!;
    await canvas.click({ position: { x: (to.x / 80) * width, y: (1 - to.y / 32) * height } });
    await driver.page.getByText('1 on the way. Robot 297 is on its way.').waitFor();
    await driver.page.getByText('Robot 297 has arrived.').waitFor();
    await watcher.page.waitForTimeout(100);
    expect(await colourThere()).not.toBe(before);
    expect([...driver.errors, ...watcher.errors]).toEqual([]);
    if (process.env['UPDATE_PICTURES']) await takePicture(driver.page);
  });

  it('says so when the server is gone', async () => {
    const { page } = await open();
    const [session] = app.get(IpcHost).sessions.slice(-1);
    session!.close(1001, 'gone');
    await page.getByText('The connection is closed. Load the page again').waitFor();
    expect(await page.getByRole('button', { name: 'Set them all going' }).isDisabled()).toBe(true);
  });

  it('works with the keyboard alone', async () => {
    const { page } = await open();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText(/500 robots, in/).waitFor();
  });

  it('fits a narrow window, and is dark where the reader wants it', async () => {
    const { page } = await open({ viewport: { width: 360, height: 700 }, colorScheme: 'dark' });
    const { overflow, background } = await page.evaluate<{ overflow: number; background: string }>(`({
      overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      background: getComputedStyle(document.documentElement).backgroundColor,
    })`);
    expect(overflow).toBeLessThanOrEqual(0);
    const [red = 255] = /\d+/.exec(background)?.map(Number) ?? [];
    expect(red).toBeLessThan(128);
  });

  it('cannot be called by a page from elsewhere', async () => {
    const { page } = await open();
    await page.route('http://elsewhere.example/**', (route) =>
      route.fulfill({ contentType: 'text/html', body: 'x' }),
    );
    await page.goto('http://elsewhere.example/');
    const outcome = await page.evaluate(async (target) => {
      const call = fetch(`${target}RobotWorldReadRpcInterface-1.0.0-countRobots`, {
        method: 'POST',
        headers: { 'Content-Type': 'text/plain' },
        body: '[{}]',
      });
      return call.then(
        (response) => `answered ${response.status}`,
        () => 'refused',
      );
    }, url);
    expect(outcome).toBe('refused');
    const session = await page.evaluate<string>(`new Promise((resolve) => {
      const socket = new WebSocket(new URL('ipc', '${url.replace('http', 'ws')}'));
      socket.onopen = () => resolve('opened');
      socket.onerror = () => resolve('refused');
    })`);
    expect(session).toBe('refused');
  });
});
