import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { BuiltPage } from './built.page.js';
import { inBrowser, launchChromium } from './chromium.js';

jest.setTimeout(60_000);

inBrowser('a backend in a worker of a page in Chromium', () => {
  const built = new BuiltPage('worker');
  let browser: Browser;
  let url: string;
  let page: Page;
  beforeAll(async () => {
    [browser, url] = await Promise.all([launchChromium(), built.open()]);
  }, 60_000);
  beforeEach(async () => {
    page = await browser.newPage();
    await page.goto(url);
  });
  afterEach(() => page.close());
  afterAll(async () => {
    built.close();
    await browser?.close();
  });
  const run = (code: string) => page.evaluate(`page.${code}`);

  it.each(['house', 'channel'])('answers over IPC and RPC, and calls the page: %s', async (kind) => {
    await run(`connect('${kind}')`);
    expect(await run('exchange()')).toEqual({
      list: ['Float64Array', 1.5],
      told: ['Int8Array', -1],
      asked: 'Who? Me.',
      weighed: { weight: 100_000, activityId: 'click' },
    });
  });

  it('continues after an uncaught error', async () => {
    await run(`connect('house')`);
    expect(await run('fail()')).toEqual([1]);
  });

  it.each(['house', 'channel'])('is noticed as gone when it is terminated: %s', async (kind) => {
    await run(`connect('${kind}')`);
    expect(await run('ready()')).toBe('ready');
    const [closure, state] = (await run(`end('worker')`)) as [{ code: number }, string];
    // A port says that it is closed, where the browser is new enough.
    expect([1006, 4000]).toContain(closure.code);
    expect(state).toBe('closed');
  });

  it('is noticed as gone when its port is closed', async () => {
    await run(`connect('channel')`);
    expect(await run('ready()')).toBe('ready');
    const [closure] = (await run(`end('port')`)) as [{ code: number }];
    expect([1006, 4000]).toContain(closure.code);
  });

  it.each([
    ['falling', 'It cannot start.'],
    ['missing', 'It cannot be loaded.'],
  ])('rejects the calls that wait for it if it cannot start: %s', async (kind, message) => {
    await run(`connect('${kind}')`);
    expect(await run('ready()')).toContain(message);
  });
});
