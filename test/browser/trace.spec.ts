import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Browser, Locator, Page } from 'playwright-core';
import { createFleetPlannerApp } from '../../apps/fleet-planner/src/fleet-planner.app.js';
import { startTracing } from '../../apps/robot-world/src/common/trace/tracing.js';
import { RobotWorldEngine } from '../../apps/robot-world/src/engine/robot-world.engine.js';
import { createRobotWorldApp } from '../../apps/robot-world/src/robot-world.app.js';
import { LineKeeper } from '../harness/line.keeper.js';
import { until } from '../harness/waiting.js';
import { errorsOf, inBrowser, launchChromium } from './chromium.js';
import { Collector } from './collector.js';
import { Gate } from './gate.js';

jest.setTimeout(120_000);

const environment = ['ROBOT_WORLD_URL', 'FLEET_PLANNER_URL', 'OTEL_EXPORTER_OTLP_ENDPOINT'];

interface Span {
  readonly id: string;
  readonly parent: string;
  readonly name: string;
  readonly kind: string;
  readonly tier: string;
}

inBrowser('one click in robot-world with --trace', () => {
  const log = new LineKeeper();
  const gate = new Gate();
  const collector = new Collector();
  let browser: Browser;
  let world: NestExpressApplication;
  let planner: NestExpressApplication;
  let endTracing: () => Promise<void>;
  let url: string;

  beforeAll(async () => {
    process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = `${await collector.listen()}/`;
    // Both backends are in this process, hence one tier.
    endTracing = startTracing('backends');
    url = await gate.listen();
    process.env['ROBOT_WORLD_URL'] = url;
    planner = await createFleetPlannerApp(log);
    const server = await planner.listen(0, '127.0.0.1');
    process.env['FLEET_PLANNER_URL'] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    world = await createRobotWorldApp(log);
    gate.target = ((await world.listen(0, '127.0.0.1')).address() as AddressInfo).port;
    browser = await launchChromium();
  });
  afterAll(async () => {
    for (const name of environment) delete process.env[name];
    await browser?.close();
    gate.close();
    await Promise.all([world?.close(), planner?.close()]);
    await endTracing?.();
    collector.close();
  });

  async function open(): Promise<{ page: Page; errors: string[] }> {
    const page = await browser.newPage({ viewport: { width: 1280, height: 860 } });
    page.setDefaultTimeout(30_000);
    const errors = errorsOf(page);
    await page.goto(url);
    await page.getByText('robots and').waitFor();
    return { page, errors };
  }

  const row = (page: Page, title: string): Locator =>
    page
      .locator('details[data-activity]')
      .filter({ has: page.locator('summary', { hasText: title }) })
      .first();

  /** The bars of the waterfall of an activity. */
  const spansOf = (activity: Locator): Promise<Span[]> =>
    activity.locator('.waterfall li').evaluateAll((items: any[]) =>
      items.map(({ dataset: { span, parent, name, kind, tier } }) => ({
        id: span,
        parent,
        name,
        kind,
        tier,
      })),
    );

  /** The spans from the root to the first span of a name and kind, as texts. */
  function way(spans: readonly Span[], name: string, kind: string): string[] {
    const byId = new Map(spans.map((span) => [span.id, span]));
    const found: string[] = [];
    for (
      let span = spans.find((each) => each.name === name && each.kind === kind);
      span;
      span = byId.get(span.parent)
    )
      found.unshift(`${span.tier} ${span.name} ${span.kind}`);
    return found;
  }

  const planRoute = 'FleetPlannerRpcInterface/planRoute';
  const queryRobots = 'RobotWorldReadRpcInterface/queryRobots';

  it('is one trace through page, HTTP, both backends, a message port and a WebSocket that is cut', async () => {
    const { page, errors } = await open();
    const { x, y } = world.get(RobotWorldEngine, { strict: false }).robot('0xa');
    await page.getByRole('combobox', { name: 'Robot' }).selectOption('0xa');
    await page.getByLabel('East').fill(String(x + 3));
    await page.getByLabel('North').fill(String(y));
    await page.getByRole('button', { name: 'Drive there' }).click();
    await page.locator('#news', { hasText: /Robot 10 drives [\d.]+ m/ }).waitFor();
    // The call travels over the WebSocket, and its answer comes after the connection is restored.
    await until(() => world.get(RobotWorldEngine, { strict: false }).robot('0xa').x > x);
    gate.cut();
    await page.locator('#news', { hasText: 'Robot 10 has arrived.' }).waitFor();
    const activity = row(page, 'Drive Robot 10');
    const spans = await until(async () => {
      const found = await spansOf(activity);
      const isWhole = ['robot-v1.2/drive', queryRobots, 'route-search-v1/find', planRoute].every(
        (name) => found.filter((span) => span.name === name).length >= 2,
      );
      return isWhole && found.some(({ name }) => name.startsWith('Drive Robot 10')) && found;
    });
    const [root] = spans;
    expect(root).toMatchObject({ tier: 'page', kind: 'internal', parent: '' });
    const click = `page ${root!.name} internal`;
    const overHttp = [click, `page ${planRoute} client`, `backends ${planRoute} server`];
    // Page, HTTP, the second backend, HTTP, the first backend.
    expect(way(spans, queryRobots, 'server')).toEqual([
      ...overHttp,
      `backends ${queryRobots} client`,
      `backends ${queryRobots} server`,
    ]);
    // Page, HTTP, the second backend, a message port.
    expect(way(spans, 'route-search-v1/find', 'server')).toEqual([
      ...overHttp,
      'backends route-search-v1/find client',
      'backends route-search-v1/find server',
    ]);
    // Page, WebSocket, the first backend.
    expect(way(spans, 'robot-v1.2/drive', 'server')).toEqual([
      click,
      'page robot-v1.2/drive client',
      'backends robot-v1.2/drive server',
    ]);
    // Nothing of the trace is without a parent, and nothing was called twice.
    const ids = new Set(spans.map(({ id }) => id));
    expect(spans.filter(({ parent }) => !ids.has(parent))).toEqual([root]);
    const drives = spans.filter(({ name, kind }) => name === 'robot-v1.2/drive' && kind === 'server');
    const calls = spans.filter(({ name, kind }) => name === 'robot-v1.2/drive' && kind === 'client');
    expect(drives).toHaveLength(calls.length);
    const depth = await activity
      .locator(`.waterfall li[data-name="${queryRobots}"][data-kind=server]`)
      .evaluate((item: any) => item.style.getPropertyValue('--depth') as string);
    expect(depth).toBe('4');
    expect(errors).toEqual([]);
    const path = join(import.meta.dirname, '../../docs/images/robot-world-trace.png');
    await activity.screenshot(process.env['UPDATE_PICTURES'] ? { path } : {});

    // The same spans have gone to the collector, those of the page included.
    const traceId = (await activity.locator('code.trace').innerText()).replace('trace ', '');
    const collected = await until(() => {
      const found = collector.spans.filter((span) => span.traceId === traceId);
      return found.length >= spans.length && found;
    });
    for (const { id, parent, name, tier } of spans)
      expect(collected.find(({ spanId }) => spanId === id)).toMatchObject({
        parentSpanId: parent,
        name,
        service: tier === 'page' ? 'robot-world-page' : 'backends',
      });
    expect(collector.wrong).toEqual([]);
  });

  it('has a failed span for an activity that fails', async () => {
    const { page } = await open();
    await page.getByRole('combobox', { name: 'Robot' }).selectOption('0xa');
    await page.getByLabel('East').fill('40');
    await page.getByLabel('North').fill('17');
    await page.getByRole('button', { name: 'Drive there' }).click();
    await page.locator('#news', { hasText: 'cannot stand at' }).waitFor();
    const activity = row(page, 'Drive Robot 10');
    await activity.locator('.waterfall li[data-failed=true]', { hasText: 'Drive Robot 10' }).waitFor();
    await activity.locator('.waterfall li[data-failed=true][data-kind=client]').first().waitFor();
  });
});
