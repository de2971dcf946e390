import { setMaxListeners } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { Browser, Locator, Page } from 'playwright-core';
import { createFleetPlannerApp } from '../../apps/fleet-planner/src/fleet-planner.app.js';
import type { Position, Region } from '../../apps/robot-world/src/common/robot-world.props.js';
import { ObstacleSearch } from '../../apps/robot-world/src/engine/obstacle.search.js';
import { PlanImport } from '../../apps/robot-world/src/engine/plan.import.js';
import { RobotWorldEngine } from '../../apps/robot-world/src/engine/robot-world.engine.js';
import { RobotTraffic } from '../../apps/robot-world/src/engine/robot.traffic.js';
import { createRobotWorldApp } from '../../apps/robot-world/src/robot-world.app.js';
import { ActivityRecorder } from '../../apps/robot-world/src/common/trace/activity.recorder.js';
import { RecordingLogger } from '../../apps/robot-world/src/common/trace/recording.logger.js';
import { errorsOf, inBrowser, launchChromium } from './chromium.js';
import { Gate } from './gate.js';
import { LineKeeper } from '../harness/line.keeper.js';
import { gate as barrier, until } from '../harness/waiting.js';

/** Robots that are set going for the picture. */
const pictured = { minX: 10, minY: 0, maxX: 90, maxY: 60 };
const picture = (name: string) => join(import.meta.dirname, '../../docs/images', name);

// Robots take their time, and a browser on a busy machine does.
jest.setTimeout(240_000);

async function listen(app: NestExpressApplication, port = 0): Promise<number> {
  const server = await app.listen(port, '127.0.0.1');
  return (server.address() as AddressInfo).port;
}

/** In the page: how long all work of a frame takes, and how far frames are apart, in milliseconds. */
const measureFrames = `
  const request = requestAnimationFrame;
  let work = new Map();
  let times = [];
  let measures = false;
  const watch = (time) => {
    times.push(time);
    if (measures) request(watch);
  };
  window.frames = {
    begin() {
      measures = true;
      request(watch);
    },
    end() {
      measures = false;
      const intervals = times.slice(1).map((time, i) => time - times[i]);
      return { work: [...work.values()], intervals };
    },
  };
  window.requestAnimationFrame = (paint) =>
    request((time) => {
      const begin = performance.now();
      paint(time);
      if (measures) work.set(time, (work.get(time) ?? 0) + performance.now() - begin);
    });
`;

/** The value that such a share of the values does not exceed. */
function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * share)]!;
}

/** A box, enlarged on each side. */
function around({ minX, minY, maxX, maxY }: Region, metres: number): Region {
  return { minX: minX - metres, minY: minY - metres, maxX: maxX + metres, maxY: maxY + metres };
}

inBrowser('the page of robot-world in Chromium', () => {
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
    await startWorld();
    browser = await launchChromium();
  }, 60_000);
  afterEach(() => Promise.all(pages.splice(0).map((page) => page.close())));
  afterAll(async () => {
    delete process.env['ROBOT_WORLD_URL'];
    delete process.env['FLEET_PLANNER_URL'];
    await browser?.close();
    gate.close();
    await Promise.all([world?.close(), planner?.close()]);
  });

  async function startWorld(): Promise<void> {
    world = await createRobotWorldApp(log);
    gate.target = await listen(world);
    // Nest's loggers are those of the process: in two, each backend would record its own lines.
    const [ofPlanner, ofWorld] = [planner, world].map(
      (app) => new RecordingLogger(log, app.get(ActivityRecorder, { strict: false })),
    );
    const of = (rest: unknown[]) => (rest.at(-1) === 'RoutePlanner' ? ofPlanner! : ofWorld!);
    Logger.overrideLogger({
      log: (message: unknown, ...rest: unknown[]) => of(rest).log(message, ...rest),
      warn: (message: unknown, ...rest: unknown[]) => of(rest).warn(message, ...rest),
      error: (message: unknown, ...rest: unknown[]) => of(rest).error(message, ...rest),
    });
  }

  /** The page, with the errors it reports. Its floor may still be empty. */
  async function visit(
    options: Parameters<Browser['newPage']>[0] = {},
    prepare?: (page: Page) => Promise<unknown>,
  ): Promise<{ page: Page; errors: string[] }> {
    const page = await browser.newPage({ viewport: { width: 1280, height: 860 }, ...options });
    pages.push(page);
    page.setDefaultTimeout(60_000);
    const errors = errorsOf(page);
    await prepare?.(page);
    await page.goto(url);
    return { page, errors };
  }

  /** The page, loaded. */
  async function open(...options: Parameters<typeof visit>): ReturnType<typeof visit> {
    const visited = await visit(...options);
    await visited.page.getByText('robots and').waitFor();
    return visited;
  }

  /** How full a progress bar is, from 0 to 1. */
  const share = (page: Page, id: string) =>
    page.evaluate<number>(`document.getElementById('${id}').position`);

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

  /** Waits until something is told to everybody. */
  const news = (page: Page, text: string | RegExp) => page.locator('#news', { hasText: text }).waitFor();

  /** The latest activity of a title. */
  function row(page: Page, title: string | RegExp): Locator {
    return page
      .locator('details[data-activity]')
      .filter({ has: page.locator('summary', { hasText: title }) })
      .first();
  }

  /** Drives a robot by the form. */
  async function drive(page: Page, id: string, { x, y }: Position): Promise<void> {
    await page.getByRole('combobox', { name: 'Robot' }).selectOption(id);
    await page.getByLabel('East').fill(String(x));
    await page.getByLabel('North').fill(String(y));
    await page.getByRole('button', { name: 'Drive there' }).click();
  }

  const messagesOf = (activityId: string) => log.of(activityId).map(({ message }) => message);
  const idOf = async (activity: Locator) => (await activity.getAttribute('data-activity'))!;
  const engine = () => world.get(RobotWorldEngine, { strict: false });
  const robot = (id: string) => engine().robot(id);
  const floorOf = ({ width, depth } = engine().floor) => ({ minX: 0, minY: 0, maxX: width, maxY: depth });

  /** The middle of a shelf in a part of the floor, with no robot near it. */
  function shelfIn(minY: number, maxY: number): Position {
    const { minX, maxX } = floorOf();
    const shelf = engine()
      .queryObstacles({ minX, maxX, minY, maxY })
      .find((box) => box.kind === 'shelf' && engine().queryRobots(around(box, 4)).length === 0)!;
    return { x: (shelf.minX + shelf.maxX) / 2, y: (shelf.minY + shelf.maxY) / 2 };
  }

  it('draws obstacles while they are found, with a progress bar', async () => {
    const { opened, open: goOn } = barrier();
    const search = world.get(ObstacleSearch, { strict: false });
    const { find } = search;
    const slowly = jest.spyOn(search, 'find').mockImplementation(async function* () {
      for await (const strip of find.call(search)) {
        yield strip;
        if (strip.searched === 0.5) await opened;
      }
    });
    const { page, errors } = await visit();
    const free = { x: 1, y: 1 };
    const [south, north] = [shelfIn(20, 60), shelfIn(200, 230)];
    await until(async () => (await share(page, 'found')) === 0.5);
    await until(async () => (await colourAt(page, south)) !== (await colourAt(page, free)));
    expect(await colourAt(page, north)).toBe(await colourAt(page, free));
    expect(await page.locator('#found').isVisible()).toBe(true);
    goOn();
    await page.getByText('robots and').waitFor();
    slowly.mockRestore();
    expect(await colourAt(page, north)).toBe(await colourAt(page, south));
    expect(await page.locator('#found').isVisible()).toBe(false);
    expect(errors).toEqual([]);
  });

  it('queries the obstacles of a clicked robot over RPC, and shows the activity in all tiers', async () => {
    const { page, errors } = await open();
    await clickFloor(page, robot('0xc'));
    await news(page, /^Robot 12 is chosen\. It touches 0x\w+\. Click/);
    const activity = row(page, 'Choose Robot 12');
    await activity.getByText('Robot 0xc touches 1 obstacles').waitFor();
    expect(await activity.locator('.spans li').allInnerTexts()).toEqual([
      expect.stringMatching(/^page\s*RPC queryObstaclesHitByRobot\s+[\d.]+ ms$/),
      expect.stringMatching(/^robot-world\s*queryObstaclesHitByRobot\s+[\d.]+ ms$/),
    ]);
    expect(messagesOf(await idOf(activity))).toEqual(['Robot 0xc touches 1 obstacles']);
    expect(errors).toEqual([]);
  });

  it('drives a robot on a planned route, visible on every page, under one id in both backends', async () => {
    const [driver, watcher] = [await open(), await open()];
    const goal = { x: 40, y: 14.4 };
    const before = await colourAt(watcher.page, goal);
    await clickFloor(driver.page, robot('0xa'));
    await news(driver.page, 'Robot 10 is chosen');
    await clickFloor(driver.page, goal);
    await news(driver.page, 'Robot 10 has arrived.');
    await until(async () => (await colourAt(watcher.page, goal)) !== before);
    const activity = row(driver.page, 'Drive Robot 10');
    await activity.getByText('Robot 0xa has arrived').first().waitFor();
    await activity.locator('.lines [data-tier=fleet-planner]').getByText('A route of').waitFor();
    const spans = await activity.locator('.spans li').allInnerTexts();
    for (const span of [
      'pageRPC planRoute',
      'pageIPC drive',
      'fleet-plannerplanRoute',
      'fleet-plannerRPC queryObstacles',
      'robot-worldqueryObstacles',
    ])
      expect(spans.map((text) => text.replace(/\s+/g, ' '))).toContainEqual(expect.stringContaining(span));
    const id = await idOf(activity);
    expect(await activity.locator('code').innerText()).toBe(id);
    expect(messagesOf(id)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^Found a route of .+ m for Robot 10 to/),
        'Robot 0xa touches 0 obstacles',
        'Robot 0xa has arrived',
      ]),
    );
    expect([...driver.errors, ...watcher.errors]).toEqual([]);
  });

  it('follows only the chosen robot, until the choice ends', async () => {
    const { page, errors } = await open();
    const endsOf = (id: string) =>
      log.lines.filter(({ message }) => message === `Robot ${id} is not followed any more`).length;
    const before = ['0xa', '0xc'].map(endsOf);
    const { x, y } = robot('0xa');
    await drive(page, '0xa', { x: x + 2, y });
    const followed = page.locator('#followed');
    await followed.filter({ hasText: /^Following Robot 10: 2\.0 m so far, now at/ }).waitFor();
    expect(['0xa', '0xc'].map(endsOf)).toEqual(before);
    await page.getByRole('combobox', { name: 'Robot' }).selectOption('0xc');
    await followed.filter({ hasText: 'Following Robot 12: 0.0 m so far' }).waitFor();
    await until(() => endsOf('0xa') === before[0]! + 1);
    await page.locator('#floor').press('Escape');
    expect(await followed.innerText()).toBe('');
    await until(() => endsOf('0xc') === before[1]! + 1);
    expect(errors).toEqual([]);
  });

  it('drives a robot straight, and says so, if the second backend does not answer', async () => {
    const { page } = await open({}, (page) =>
      page.route('**/backends.json', (route) =>
        route.fulfill({ json: { fleetPlanner: 'http://127.0.0.1:1' } }),
      ),
    );
    await page.getByText('fleet-planner: does not answer at http://127.0.0.1:1').waitFor();
    const { x, y } = robot('0xa');
    await drive(page, '0xa', { x: x + 0.5, y });
    await news(page, 'Robot 10 has arrived.');
    await row(page, 'Drive Robot 10').getByText('fleet-planner does not answer').waitFor();
  });

  it('says why a robot has stopped: no way, an obstacle, another goal or a stop', async () => {
    const { page } = await open();
    await drive(page, '0xa', { x: 40, y: 17 });
    await news(page, 'Robot 10 cannot stand at (40.00 m, 17.00 m).');
    expect(await row(page, 'Drive Robot 10').getAttribute('data-state')).toBe('failed');
    await drive(page, '0xa', { x: 60, y: 14.4 });
    await news(page, /Robot 10 drives [\d.]+ m/);
    await drive(page, '0xa', { x: 30, y: 14.4 });
    await page.locator('.lines').getByText('has a new goal').waitFor({ state: 'attached' });
    await page.getByRole('button', { name: 'Stop' }).click();
    await news(page, 'Robot 10 has been stopped.');
  });

  it('shows the progress that a survey reports, and cancels it', async () => {
    const { page, errors } = await open();
    const surveyed = () => share(page, 'survey-progress');
    await page.getByRole('button', { name: 'Measure all obstacles' }).click();
    await page
      .locator('#survey-report')
      .getByText(/^\d+ of \d+ obstacles$/)
      .waitFor();
    await until(async () => (await surveyed()) > 0);
    expect(await surveyed()).toBeLessThan(1);
    await page.getByText(/× shelf, .+ × pallet, .+ × pillar/).waitFor();
    expect(await surveyed()).toBe(1);
    await row(page, 'Measure all').getByText('IPC surveyObstacles').waitFor();
    await page.getByRole('button', { name: 'Measure all obstacles' }).click();
    await page
      .locator('#survey-report')
      .getByText(/^[1-9]\d* of \d+ obstacles$/)
      .waitFor();
    await page.locator('#survey-cancel').click();
    await page.getByText(/^Cancelled at \d+ of \d+ obstacles\.$/).waitFor();
    const activity = row(page, 'Measure all');
    await activity.getByText('The survey was cancelled.').waitFor();
    expect(await activity.getAttribute('data-state')).toBe('failed');
    expect(await surveyed()).toBeLessThan(1);
    // By the log of robot-world.
    const stopped = activity.getByText(/^.*Survey \S+ was cancelled at \d+ of \d+ obstacles$/);
    await stopped.first().waitFor({ state: 'attached' });
    expect(errors).toEqual([]);
  });

  it('paints 500 robots and 10,000 obstacles smoothly while a hundred robots drive', async () => {
    const { page, errors } = await open({}, (page) => page.addInitScript(measureFrames));
    const [robots, obstacles] = (await page.locator('#news').innerText()).match(/[\d,]+/g)!;
    expect(robots).toBe('500');
    expect(Number(obstacles!.replace(',', ''))).toBeGreaterThan(10_000);
    const roaming = new AbortController();
    setMaxListeners(0, roaming.signal);
    const traffic = world.get(RobotTraffic, { strict: false });
    const all = engine().queryRobots(floorOf()).slice(100, 200);
    const before = new Map(all.map(({ id, x }) => [id, x]));
    const drives = all.map(async ({ id, x, y }) => {
      for (let way = 1; !roaming.signal.aborted; way = -way) {
        await traffic.drive(id, { x: x + way, y }, roaming.signal);
        // Sleeps: a robot that stands between obstacles would drive back and forth without a pause.
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    });
    await page.evaluate('frames.begin()');
    // Sleeps: the page has to be measured for some seconds.
    await page.waitForTimeout(4000);
    const frames = await page.evaluate<{ work: number[]; intervals: number[] }>('frames.end()');
    const moved = all.filter(({ id }) => robot(id).x !== before.get(id));
    roaming.abort();
    await Promise.all(drives);
    const { work, intervals } = frames;
    const [painted, between] = [work, intervals].map((each) => ({
      median: quantile(each, 0.5),
      most: quantile(each, 0.95),
    }));
    console.log(
      `The page paints in ${painted!.median.toFixed(1)} ms (median; 95 %: ${painted!.most.toFixed(1)} ms), ` +
        `at ${(1000 / between!.median).toFixed(0)} frames a second (95 %: ${between!.most.toFixed(0)} ms apart), ` +
        `with ${moved.length} robots on their way.`,
    );
    // Some have an obstacle beside them.
    expect(moved.length).toBeGreaterThan(30);
    expect(work.length).toBeGreaterThan(20);
    // How often there is a frame is the machine's affair, too, which may be busy; that painting fits into one is the page's.
    expect(painted!.median).toBeLessThan(1000 / 60);
    expect(between!.median).toBeLessThan(100);
    expect(errors).toEqual([]);
  });

  it('can be used with the keyboard alone', async () => {
    const { page } = await open();
    const focused = () => page.evaluate<string>('document.activeElement.id');
    for (let i = 0; i < 10 && (await focused()) !== 'floor'; i++) await page.keyboard.press('Tab');
    expect(await focused()).toBe('floor');
    expect(
      await page.evaluate<string>(`getComputedStyle(document.getElementById('floor')).outlineStyle`),
    ).toBe('solid');
    await page.keyboard.press('n');
    await news(page, 'Robot 1 is chosen');
    await page.keyboard.press('n');
    await page.keyboard.press('p');
    await page.keyboard.press('p');
    await news(page, 'Robot 500 is chosen');
    const { x, y } = robot('0x1f4');
    for (const key of ['+', '+', 'ArrowRight', 'Shift+ArrowRight', 'Shift+ArrowLeft', '0'])
      await page.keyboard.press(key);
    expect(await page.getByLabel('East').inputValue()).toBe(String(Math.round((x + 1) * 100) / 100));
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('Enter');
    await news(page, 'Robot 500 has arrived.');
    expect(Math.hypot(robot('0x1f4').x - x, robot('0x1f4').y - y)).toBeLessThan(0.01);
    await page.keyboard.press('Escape');
    expect(await page.getByRole('combobox', { name: 'Robot' }).inputValue()).toBe('');
  });

  describe('import of a floor plan', () => {
    /** Makes a plan of 8 MB: boxes along the northern edge, which is empty, with remarks. */
    const count = 4500;
    const line = (_: unknown, i: number) => {
      const [x, y] = [1 + (i % 390), 244 + 0.4 * Math.floor(i / 390)];
      return `pallet ${x} ${y.toFixed(1)} ${x + 0.8} ${(y + 0.3).toFixed(1)} ${'remark '.repeat(128)}\n# ${'remark '.repeat(128)}`;
    };
    const buffer = Buffer.from(['# A plan', ...Array.from({ length: count }, line)].join('\n'));
    const plan = { name: 'plan.txt', mimeType: 'text/plain', buffer };
    const report = (page: Page, text: RegExp) =>
      page.locator('#import-report').filter({ hasText: text }).waitFor();

    /** Makes the backend wait in the middle of the next plan. @returns the sizes of the pieces that it has read */
    function stopInTheMiddle(opened: Promise<void>): number[] {
      const plans = world.get(PlanImport, { strict: false });
      const { run } = plans;
      const sizes: number[] = [];
      async function* held(pieces: AsyncIterable<Uint8Array>) {
        let bytes = 0;
        for await (const piece of pieces) {
          sizes.push(piece.byteLength);
          yield piece;
          if (bytes < 1e6 && (bytes += piece.byteLength) >= 1e6) await opened;
        }
      }
      jest
        .spyOn(plans, 'run')
        .mockImplementationOnce((pieces, ...rest) => run.call(plans, held(pieces), ...rest));
      return sizes;
    }

    it('shows the progress of an import while the file arrives, and then the new obstacles', async () => {
      const { page, errors } = await open();
      const before = engine().countObstacles();
      const { opened, open: goOn } = barrier();
      const sizes = stopInTheMiddle(opened);
      const first = { x: 1.4, y: 244.15 };
      const free = await colourAt(page, first);
      await page.locator('#plan').setInputFiles(plan);
      await report(page, /^[1-5]\.\d MB of 8\.\d MB, \d+ obstacles$/);
      const imported = await share(page, 'import-progress');
      expect(imported).toBeGreaterThan(0.1);
      expect(imported).toBeLessThan(0.7);
      goOn();
      await report(page, /^4,500 obstacles from plan\.txt, 8\.\d MB$/);
      expect(await share(page, 'import-progress')).toBe(1);
      expect(engine().countObstacles()).toBe(before + count);
      // The file was never in one piece.
      expect(Math.max(...sizes)).toBeLessThan(buffer.byteLength / 2);
      expect(sizes.reduce((sum, size) => sum + size)).toBe(buffer.byteLength);
      await until(async () => (await colourAt(page, first)) !== free);
      await row(page, 'Import plan.txt')
        .getByText('has added 4500 obstacles')
        .first()
        .waitFor({ state: 'attached' });
      expect(errors).toEqual([]);
    });

    it('adds nothing of a plan that is cancelled or has an error', async () => {
      const { page } = await open();
      const before = engine().countObstacles();
      const { opened, open: goOn } = barrier();
      stopInTheMiddle(opened);
      await page.locator('#plan').setInputFiles(plan);
      await report(page, /^[1-5]\.\d MB of/);
      await page.locator('#import-cancel').click();
      await report(page, /^Cancelled at [1-5]\.\d MB of .* obstacles\.$/);
      goOn();
      await until(() => engine().countObstacles() === before);
      const wrong = { ...plan, buffer: Buffer.from('pallet 1 244 2 245\nsofa 1 2 3 4') };
      await until(async () => {
        await page.locator('#plan').setInputFiles(wrong);
        await page.locator('#import-report', { hasText: 'The import has failed.' }).waitFor();
        return /Line 2 of the floor plan is wrong: "sofa"/.test(await page.locator('#news').innerText());
      });
      expect(engine().countObstacles()).toBe(before);
    });
  });

  it('loses no notification when the connection breaks', async () => {
    const { page } = await open();
    const { x, y } = robot('0xa');
    await drive(page, '0xa', { x: x + 3, y });
    await news(page, /Robot 10 drives [\d.]+ m/);
    gate.cut();
    await page.getByText('robot-world: connection lost').waitFor();
    await page.getByText('robot-world: connected').waitFor();
    await news(page, 'Robot 10 has arrived.');
    expect(robot('0xa').x).toBeCloseTo(x + 3);
    // Its stream has gone on as well.
    await page.locator('#followed', { hasText: 'Following Robot 10: 3.0 m so far' }).waitFor();
  });

  it('says which drives are lost when the backend ends, and continues when it runs again', async () => {
    const { page } = await open();
    const { x, y } = robot('0xa');
    await drive(page, '0xa', { x: x - 10, y });
    await news(page, /Robot 10 drives [\d.]+ m/);
    gate.shut();
    await page.getByText('robot-world: connection lost').waitFor();
    await world.close();
    await startWorld();
    gate.open();
    await page.getByText('robot-world: session lost').waitFor();
    await page.getByText('robot-world: connected').waitFor();
    await row(page, 'Drive Robot 10').getByText('The IPC session is over').waitFor({ state: 'attached' });
    await news(page, 'Connected again; 1 drive is lost. 500 robots');
    await page.locator('#followed', { hasText: 'Following Robot 10: 0.0 m so far' }).waitFor();
    // As it was furnished, and at work.
    const { x: start } = robot('0xa');
    await drive(page, '0xa', { x: start + 0.5, y });
    await news(page, 'Robot 10 has arrived.');
  });

  it('fits a narrow window, and is dark if the reader prefers it', async () => {
    const { page } = await open({ viewport: { width: 360, height: 700 }, colorScheme: 'dark' });
    await drive(page, '0xc', robot('0xc'));
    await row(page, 'Drive Robot 12').locator('.spans li').nth(3).waitFor();
    const { overflow, background } = await page.evaluate<{ overflow: number; background: string }>(`({
      overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      background: getComputedStyle(document.body).backgroundColor,
    })`);
    expect(overflow).toBeLessThanOrEqual(0);
    const luminance = (colour: string) => Number(/\d+/.exec(colour)?.[0] ?? 255);
    expect(luminance(background)).toBeLessThan(128);
    const free = (await colourAt(page, { x: 1, y: 1 })).split(',').map(Number);
    expect(free[0]).toBeLessThan(128);
    await page.emulateMedia({ colorScheme: 'light' });
    await until(async () => luminance(await colourAt(page, { x: 1, y: 1 })) > 200);
  });

  it('has backends that refuse a page of another origin', async () => {
    const page = await browser.newPage();
    pages.push(page);
    await page.route('http://elsewhere.example/**', (route) =>
      route.fulfill({ contentType: 'text/html', body: 'x' }),
    );
    await page.goto('http://elsewhere.example/');
    for (const call of [
      'RobotWorldReadRpcInterface-1.0.0-countRobots',
      'ActivityTraceRpcInterface-1.0.0-traceActivity',
    ]) {
      const outcome = await page.evaluate<string>(`fetch('${url}/${call}', {
        method: 'POST', headers: { 'Content-Type': 'text/plain' }, body: '[{}, "x"]',
      }).then((response) => 'answered ' + response.status, () => 'refused')`);
      expect(outcome).toBe('refused');
    }
    const session = await page.evaluate<string>(`new Promise((resolve) => {
      const socket = new WebSocket('${url.replace('http', 'ws')}/ipc');
      socket.onopen = () => resolve('opened');
      socket.onerror = () => resolve('refused');
    })`);
    expect(session).toBe('refused');
  });

  const update = process.env['UPDATE_PICTURES'] ? it : () => undefined;
  update(
    'is photographed for the documents',
    async () => {
      const { page } = await open({ viewport: { width: 1280, height: 980 } });
      await page.getByRole('combobox', { name: 'Robot' }).selectOption('0xa');
      for (let i = 0; i < 3; i++) await page.getByRole('button', { name: 'Zoom in' }).click();
      const robots = engine().queryRobots(pictured);
      for (const { id, x, y } of robots.slice(0, 8))
        if (id !== '0xa') await drive(page, id, { x: x + 15, y });
      await drive(page, '0xa', { x: 45, y: 62.9 });
      // Sleeps: the picture shows robots that have been driving for some seconds.
      await page.waitForTimeout(6000);
      await page.screenshot({ path: picture('robot-world.png') });
      await page.setViewportSize({ width: 390, height: 860 });
      await page.emulateMedia({ colorScheme: 'dark' });
      // Sleeps: the page takes its new size and colours in an animation.
      await page.waitForTimeout(1000);
      await page.screenshot({ path: picture('robot-world-narrow.png') });
    },
    60_000,
  );
});
