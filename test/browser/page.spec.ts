import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { chromium } from 'playwright-core';
import type { Browser, Locator, Page } from 'playwright-core';
import { ActivityLogger } from '@linnet/backend';
import { createFleetPlannerApp } from '../../apps/fleet-planner/src/fleet-planner.app.js';
import type { Position } from '../../apps/robot-world/src/common/robot-world.props.js';
import { RobotWorldEngine } from '../../apps/robot-world/src/engine/robot-world.engine.js';
import { createRobotWorldApp } from '../../apps/robot-world/src/robot-world.app.js';
import { Gate } from './gate.js';

const executablePath =
  process.env['CHROMIUM'] ??
  ['/usr/bin/chromium', '/usr/bin/google-chrome', '/usr/bin/chromium-browser'].find((path) =>
    existsSync(path),
  );
const picture = (name: string) => join(import.meta.dirname, '../../docs/images', name);

if (executablePath === undefined)
  console.warn('The browser tests are skipped: no Chromium here (CHROMIUM may name one).');
const inBrowser = executablePath === undefined ? describe.skip : describe;

/** Keeps lines, with the context that they were written in. Nest's loggers are one for the process, hence for both. */
class LineKeeper extends ActivityLogger {
  readonly lines: Record<string, unknown>[] = [];

  constructor() {
    super({ json: true });
  }

  protected override printAsJson(message: unknown, options: { params?: object }): void {
    this.lines.push({ message, ...options.params });
  }

  /** What has been logged under an activity id. */
  of(activityId: string): string[] {
    return this.lines
      .filter((line) => line['ActivityId'] === activityId)
      .map((line) => String(line['message']));
  }
}

async function listen(app: NestExpressApplication, port = 0): Promise<number> {
  const server = await app.listen(port, '127.0.0.1');
  return (server.address() as AddressInfo).port;
}

inBrowser('the page of robot-world, in Chromium', () => {
  const log = new LineKeeper();
  const gate = new Gate();
  const pages: Page[] = [];
  let world: NestExpressApplication;
  let planner: NestExpressApplication;
  let browser: Browser;
  let url: string;

  beforeAll(async () => {
    url = await gate.listen();
    process.env['ROBOT_WORLD_URL'] = url;
    planner = await createFleetPlannerApp(log);
    process.env['FLEET_PLANNER_URL'] = `http://127.0.0.1:${await listen(planner)}`;
    world = await createRobotWorldApp(log);
    gate.target = await listen(world);
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
  afterEach(() => Promise.all(pages.splice(0).map((page) => page.close())));
  afterAll(async () => {
    delete process.env['ROBOT_WORLD_URL'];
    delete process.env['FLEET_PLANNER_URL'];
    await browser?.close();
    gate.close();
    await Promise.all([world?.close(), planner?.close()]);
  });

  /** The page, loaded, with the errors it reports. */
  async function open(
    options: Parameters<Browser['newPage']>[0] = {},
    prepare?: (page: Page) => Promise<void>,
  ): Promise<{ page: Page; errors: string[] }> {
    const page = await browser.newPage({ viewport: { width: 1280, height: 860 }, ...options });
    pages.push(page);
    const errors: string[] = [];
    page.on('pageerror', ({ message }) => errors.push(message));
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    await prepare?.(page);
    await page.goto(url);
    await page.getByText('robots and').waitFor();
    return { page, errors };
  }

  /** Where a place of the floor is on the canvas, when all of the floor is there. */
  async function pixel(page: Page, { x, y }: Position): Promise<Position> {
    const { width, height } = (await page.locator('#floor').boundingBox())!;
    return { x: (x / 400) * width, y: (1 - y / 250) * height };
  }

  async function clickFloor(page: Page, place: Position): Promise<void> {
    await page.locator('#floor').click({ position: await pixel(page, place) });
  }

  /** The colour of the canvas at a place of the floor. */
  async function colourAt(page: Page, place: Position): Promise<string> {
    const { x, y } = await pixel(page, place);
    return page.evaluate<string>(`(() => {
      const canvas = document.getElementById('floor');
      const ratio = canvas.width / canvas.clientWidth;
      return canvas.getContext('2d').getImageData(${x} * ratio, ${y} * ratio, 1, 1).data.join();
    })()`);
  }

  /** The latest activity of a title. */
  function row(page: Page, title: string | RegExp): Locator {
    return page
      .locator('details[data-activity]')
      .filter({ has: page.locator('summary', { hasText: title }) })
      .first();
  }

  const idOf = async (activity: Locator) => (await activity.getAttribute('data-activity'))!;
  const robot = (id: string) => world.get(RobotWorldEngine, { strict: false }).robot(id);

  it('asks over RPC what a robot touches, when it is clicked, and shows what came of that in all tiers', async () => {
    const { page, errors } = await open();
    await clickFloor(page, robot('0xc'));
    await page.getByText(/^Robot 12 is chosen\. It touches 0x\w+\. Where/).waitFor();
    const activity = row(page, 'Choose Robot 12');
    await activity.getByText('Robot 0xc touches 1 obstacles').waitFor();
    expect(await activity.locator('.spans li').allInnerTexts()).toEqual([
      expect.stringMatching(/^page\s+RPC queryObstaclesHitByRobot\s+[\d.]+ ms$/),
      expect.stringMatching(/^robot-world\s+queryObstaclesHitByRobot\s+[\d.]+ ms$/),
    ]);
    expect(log.of(await idOf(activity))).toEqual(['Robot 0xc touches 1 obstacles']);
    expect(errors).toEqual([]);
  });

  it('drives a robot on a planned route, for every page to see, under one id in both backends', async () => {
    const [driver, watcher] = [await open(), await open()];
    const goal = { x: 40, y: 14.4 };
    const before = await colourAt(watcher.page, goal);
    await clickFloor(driver.page, robot('0xa'));
    await driver.page.getByText('Robot 10 is chosen').waitFor();
    await clickFloor(driver.page, goal);
    await driver.page.getByText('Robot 10 has arrived.').waitFor();
    await watcher.page.waitForTimeout(200);
    expect(await colourAt(watcher.page, goal)).not.toBe(before);
    const activity = row(driver.page, 'Drive Robot 10');
    await activity.getByText('Robot 0xa has arrived').first().waitFor();
    const spans = await activity.locator('.spans li').allInnerTexts();
    for (const span of [
      'page RPC planRoute',
      'page IPC drive',
      'fleet-planner planRoute',
      'robot-world queryObstacles',
    ])
      expect(spans.map((text) => text.replace(/\s+/g, ' '))).toContainEqual(expect.stringContaining(span));
    const id = await idOf(activity);
    expect(await activity.locator('code').innerText()).toBe(id);
    expect(log.of(id)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^A way of .+ m leads Robot 10 to/),
        'Robot 0xa touches 0 obstacles',
        'Robot 0xa has arrived',
      ]),
    );
    expect([...driver.errors, ...watcher.errors]).toEqual([]);
  });

  it('takes pictures', async () => {
    const { page } = await open();
    await clickFloor(page, robot('0xc'));
    await page.waitForTimeout(2000);
    await page.screenshot({ path: '/tmp/w6-light2.png' });
    void picture;
  });
});
