import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { Controller, Module, Post } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { devices } from 'playwright-core';
import type { Browser, CDPSession, Page } from 'playwright-core';
import { IpcChannel, IpcHost, IpcModule, IpcSession, IpcTicketService } from '@linnet/backend';
import { BuiltPage } from './built.page.js';
import { inBrowser, launchChromium } from './chromium.js';
import { Gate } from './gate.js';
import { until } from '../harness/waiting.js';

jest.setTimeout(60_000);

/** Calls that are under way. */
const finish: ((value: string) => void)[] = [];

@IpcChannel('phone')
class PhoneHandler {
  #count = 0;
  constructor(private readonly session: IpcSession) {}

  async count() {
    return [this.session.user, ++this.#count];
  }
  async later() {
    return new Promise<string>((resolve) => finish.push(resolve));
  }
}

@Controller()
class TicketController {
  constructor(private readonly tickets: IpcTicketService) {}
  @Post('ipc-ticket')
  issue() {
    return this.tickets.issue({ user: 'anna' });
  }
}

inBrowser('a web view on a phone', () => {
  const built = new BuiltPage('mobile');
  let browser: Browser;
  let url: string;
  let gate: Gate;
  let app: INestApplication;
  let page: Page;
  let devtools: CDPSession;
  beforeAll(async () => {
    [browser, url] = await Promise.all([launchChromium(), built.open()]);
  }, 60_000);
  afterEach(async () => {
    await page.context().close();
    gate.close();
    await app.close();
  });
  afterAll(async () => {
    built.close();
    await browser?.close();
  });

  async function open(resumeGraceMs: number): Promise<void> {
    @Module({
      imports: [
        IpcModule.forRoot({ resumeGraceMs, shutdownTimeoutMs: 100, authorize: (_request, ticket) => ticket }),
      ],
      controllers: [TicketController],
      providers: [PhoneHandler],
    })
    class PhoneModule {}
    finish.length = 0;
    app = await NestFactory.create(PhoneModule, { logger: false, cors: true });
    await app.listen(0, '127.0.0.1');
    gate = new Gate();
    gate.target = ((app.getHttpServer() as Server).address() as AddressInfo).port;
    const { host } = new URL(await gate.listen());
    const context = await browser.newContext({ ...devices['Pixel 7'] });
    page = await context.newPage();
    devtools = await context.newCDPSession(page);
    await page.goto(`${url}?backend=${host}`);
    await page.evaluate('app.start()');
  }
  const get = (code: string) => page.evaluate<any>(`app.${code}`);
  const sessions = () => app.get(IpcHost).sessions;

  /** No network: the connections that there were are dead, and none can be made. */
  async function network(isThere: boolean): Promise<void> {
    if (isThere) gate.open();
    else gate.shut();
    await devtools.send('Network.emulateNetworkConditions', {
      offline: !isThere,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput: -1,
    });
  }

  it('resumes its session when the network comes back in time', async () => {
    await open(60_000);
    expect(await get('count()')).toEqual(['anna', 1]);
    await get(`call('before', 'later')`);
    await until(() => finish.length === 1);
    await network(false);
    await until(async () => (await get('states')).length > 1);
    await get(`call('meanwhile', 'count')`);
    void app.get(IpcHost).send('news', 1);
    finish[0]!('answered without a network');
    await network(true);
    await until(async () => Object.keys(await get('outcomes')).length === 2);
    expect(await get('outcomes')).toEqual({
      before: 'answered without a network',
      meanwhile: ['anna', 2],
    });
    expect(await get('news')).toEqual([1]);
    expect(await get('states')).toEqual(['open', expect.stringMatching(/^interrupted/), 'open']);
    expect(sessions()).toHaveLength(1);
  });

  it('begins a new session, and rejects the lost call, when the network was away for too long', async () => {
    await open(300);
    expect(await get('count()')).toEqual(['anna', 1]);
    await get(`call('before', 'later')`);
    await until(() => finish.length === 1);
    await network(false);
    await until(() => sessions().length === 0);
    await until(async () => (await get('states')).length > 2);
    expect(await get('outcomes')).toEqual({ before: 'IpcClosedError' });
    expect(await get('states')).toEqual([
      'open',
      expect.stringMatching(/^interrupted/),
      'connecting: The connection was not restored in time.',
    ]);
    await get(`call('meanwhile', 'count')`);
    await network(true);
    await until(async () => (await get('outcomes')).meanwhile);
    expect((await get('outcomes')).meanwhile).toEqual(['anna', 1]);
    expect((await get('states')).at(-1)).toBe('open');
  });

  it('resumes its session after a suspension as soon as it is visible', async () => {
    await open(60_000);
    await get(`call('before', 'later')`);
    await until(() => finish.length === 1);
    await get(`show('hidden')`);
    // Nothing of the page runs: as in an app that the system has suspended.
    await devtools.send('Debugger.enable');
    const asleep = new Promise((resolve) => devtools.once('Debugger.paused', resolve));
    await devtools.send('Debugger.pause');
    const waking = get('states.length');
    await asleep;
    gate.cut();
    finish[0]!('answered in its sleep');
    void app.get(IpcHost).send('news', 1);
    await devtools.send('Debugger.resume');
    await waking;
    await until(async () => (await get('states')).length === 2);
    expect(await get('outcomes')).toEqual({});
    await get(`show('visible')`);
    await until(async () => (await get('news')).length > 0);
    expect(await get('outcomes')).toEqual({ before: 'answered in its sleep' });
    expect(await get('states')).toEqual(['open', expect.stringMatching(/^interrupted/), 'open']);
  });
});
