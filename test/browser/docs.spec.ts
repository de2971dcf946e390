import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import type { Browser, Locator, Page, Route } from 'playwright-core';
import { z } from 'zod';
import { IpcChannel, IpcModule, RpcInterface } from '@linnet/backend';
import { ipcChannel, rpcOperations } from '@linnet/common';
import { createFleetPlannerApp } from '../../apps/fleet-planner/src/fleet-planner.app.js';
import { createRobotWorldApp } from '../../apps/robot-world/src/robot-world.app.js';
import { closeApps, startApp } from '../harness/nest.harness.js';
import { LineKeeper } from '../harness/line.keeper.js';
import { errorsOf, inBrowser, launchChromium } from './chromium.js';

// Scalar has five megabytes, which a browser on a busy machine reads slowly.
jest.setTimeout(180_000);

const picture = join(import.meta.dirname, '../../docs/images/docs.png');

abstract class Clock {
  static readonly interfaceName = 'Clock';
  static readonly interfaceVersion = '1.0.0';
  static readonly operations = rpcOperations<Clock>()({
    add: { args: [z.number(), z.number().max(9)], result: z.number() },
    count: { stream: true, args: [z.number()], items: z.number() },
  });
  abstract add(hours: number, more: number): Promise<number>;
  abstract count(to: number): AsyncIterable<number>;
}

/** The callers that called, in their order. */
const callers: Record<'authorization' | 'activityId', string>[] = [];

@RpcInterface(Clock)
class ClockImpl implements Clock {
  async add(hours: number, more: number) {
    return hours + more;
  }
  async *count(to: number) {
    for (let item = 1; item <= to; item++) yield item;
  }
}

const bell = ipcChannel<{ ring(times: number): Promise<void> }, { rung(at: string): void }>()('bell-v1', {
  methods: { ring: { args: [z.number()] } },
  notifications: { rung: { args: [z.string()] } },
});

@IpcChannel(bell)
class BellHandler {
  async ring() {}
}

/** Notes who calls: the headers that the page has sent. */
const note = (request: { headers: Record<string, string> }, _response: unknown, next: () => void) => {
  const { authorization = '', 'x-correlation-id': activityId = '' } = request.headers;
  if (activityId) callers.push({ authorization, activityId });
  next();
};

inBrowser('the page of the documents in Chromium', () => {
  const pages: Page[] = [];
  const apps: INestApplication[] = [];
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  }, 60_000);
  afterEach(async () => {
    await Promise.all(pages.splice(0).map((page) => page.close()));
    await Promise.all(apps.splice(0).map((app) => app.close()));
    await closeApps();
  });
  afterAll(() => browser?.close());

  /** Opens the page of a server. `strangers` are requests to another host, `errors` what the browser reports. */
  async function open(url: string): Promise<{ page: Page; strangers: string[]; errors: string[] }> {
    const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
    pages.push(page);
    page.setDefaultTimeout(60_000);
    const strangers: string[] = [];
    page.on('request', (request) => {
      const { protocol, origin } = new URL(request.url());
      if (origin !== url && protocol !== 'data:' && protocol !== 'blob:') strangers.push(request.url());
    });
    page.on('websocket', (socket) => strangers.push(socket.url()));
    const errors = errorsOf(page);
    await page.goto(`${url}/docs`);
    await page.getByText('Select Auth Type').first().waitFor();
    return { page, strangers, errors };
  }

  async function listen(app: INestApplication): Promise<string> {
    apps.push(app);
    const server = (await app.listen(0, '127.0.0.1')) as { address(): AddressInfo };
    return `http://127.0.0.1:${server.address().port}`;
  }

  const sidebar = (page: Page, name: string) =>
    page.locator('aside').getByText(name, { exact: true }).first();

  /** Opens the form of an operation. */
  async function form(page: Page, operation: string): Promise<Locator> {
    await sidebar(page, operation).click();
    await page
      .getByRole('button', { name: new RegExp(`Test Request.*-${operation}\\)`) })
      .first()
      .click();
    const opened = page.getByRole('dialog');
    await opened.getByText('Request Body').first().waitFor();
    return opened;
  }

  async function fillIn(page: Page, opened: Locator, name: string, value: string): Promise<void> {
    const row = opened.locator(`tr:has([aria-label="Include ${name} in request"])`);
    await row
      .or(opened.locator(`[role=row]:has([aria-label="Include ${name} in request"])`))
      .locator('[contenteditable]')
      .nth(1)
      .click();
    await page.keyboard.type(value);
  }

  async function setBody(page: Page, opened: Locator, body: string): Promise<void> {
    await opened.locator('.cm-content').first().click();
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.insertText(body);
  }

  /** Sends the form. @returns the answer of the server */
  async function send(page: Page, opened: Locator): Promise<{ status: number; text: string }> {
    let text = '';
    // Read on its way: the browser does not always keep what the page has read as a stream.
    const read = async (route: Route) => {
      if (route.request().method() !== 'POST') return route.fallback();
      const response = await route.fetch();
      text = await response.text();
      return route.fulfill({ response, body: text });
    };
    await page.route('**', read);
    const answered = page.waitForResponse((response) => response.request().method() === 'POST');
    await opened.getByRole('button', { name: /^Send/ }).first().click();
    const response = await answered;
    await page.unroute('**', read);
    return { status: response.status(), text };
  }

  it('has a form for every operation of robot-world, calls one, and contacts no other host', async () => {
    const world = await createRobotWorldApp(new LineKeeper());
    const url = await listen(world);
    const { page, strangers, errors } = await open(url);
    const document = (await (await fetch(`${url}/docs/openapi.json`)).json()) as {
      paths: Record<string, { post: { operationId: string; tags: string[] } }>;
    };
    const operations = Object.values(document.paths).map(({ post }) => post);
    expect(operations.length).toBeGreaterThanOrEqual(10);
    for (const { operationId, tags } of operations) {
      const name = operationId.slice(tags[0]!.length + 1);
      if (!(await sidebar(page, name).isVisible())) await sidebar(page, tags[0]!).click();
      await sidebar(page, name).click();
      await page
        .getByRole('button', { name: new RegExp(`Test Request.*-${name}\\)`) })
        .first()
        .waitFor();
    }
    const opened = await form(page, 'countRobots');
    for (const name of ['iTwinId', 'iModelId']) await fillIn(page, opened, name, 'warehouse');
    expect(await send(page, opened)).toEqual({ status: 200, text: '500' });
    await opened.getByText('200 OK').waitFor();
    await opened.getByText('500', { exact: true }).waitFor();
    expect({ strangers, errors }).toEqual({ strangers: [], errors: [] });
    if (process.env['UPDATE_PICTURES']) await page.screenshot({ path: picture });
  });

  it('is at fleet-planner as well', async () => {
    const url = await listen(await createFleetPlannerApp(new LineKeeper()));
    const { page, strangers, errors } = await open(url);
    await form(page, 'planRoute');
    expect({ strangers, errors }).toEqual({ strangers: [], errors: [] });
  });

  it('sends authorization as it was entered, a new id with each call, and shows refusals and streams', async () => {
    const { port } = await startApp({
      imports: [IpcModule.forRoot()],
      providers: [ClockImpl, BellHandler],
      options: { docs: { path: '/docs' } },
      configure: (app) => app.use(note),
    });
    const { page, strangers, errors } = await open(`http://127.0.0.1:${port}`);
    await page.getByRole('button', { name: 'Select Auth Type' }).first().click();
    await page.getByRole('option', { name: 'authorization' }).click();
    await page.locator('input.scalar-password-input').first().fill('Badge 7');
    const opened = await form(page, 'add');
    await setBody(page, opened, '[20, 5]');
    expect(await send(page, opened)).toEqual({ status: 200, text: '25' });
    await setBody(page, opened, '[20, 50]');
    const refused = await send(page, opened);
    expect(refused.status).toBe(400);
    expect(JSON.parse(refused.text)).toMatchObject({ name: 'ValidationError', details: [{ argument: 2 }] });
    expect(callers.map(({ authorization }) => authorization)).toEqual(['Badge 7', 'Badge 7']);
    expect(new Set(callers.map(({ activityId }) => activityId)).size).toBe(2);
    await page.keyboard.press('Escape');
    const streamed = await form(page, 'count');
    await setBody(page, streamed, '[3]');
    const { status, text } = await send(page, streamed);
    expect([status, text.match(/^data: \d$/gm)]).toEqual([200, ['data: 1', 'data: 2', 'data: 3']]);
    expect(strangers).toEqual([]);
    // The browser reports the refused call.
    expect(errors.filter((error) => !error.includes('400'))).toEqual([]);
  });

  it('shows channels and their notifications', async () => {
    const { port } = await startApp({
      imports: [IpcModule.forRoot()],
      providers: [ClockImpl, BellHandler],
      options: { docs: { path: '/docs' } },
    });
    const { page, strangers, errors } = await open(`http://127.0.0.1:${port}`);
    await page.locator('aside').getByRole('button', { name: 'Operations' }).first().click();
    await page.getByRole('option', { name: 'Channels' }).click();
    await page.getByRole('heading', { name: 'ring' }).first().waitFor();
    await page.getByRole('heading', { name: 'rung' }).first().waitFor();
    await page.getByText('itwin.bell-v1').first().waitFor();
    expect({ strangers, errors }).toEqual({ strangers: [], errors: [] });
  });
});
