import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { Module } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Browser } from 'playwright-core';
import { CurrentActivity, IpcChannel, IpcModule, IpcSession, RpcInterface, RpcModule } from '@linnet/backend';
import type { Activity } from '@linnet/backend';
import { BuiltPage } from './built.page.js';
import { inBrowser, launchChromium } from './chromium.js';

jest.setTimeout(60_000);

abstract class Shelf {
  static readonly interfaceName = 'Shelf';
  static readonly interfaceVersion = '1.0.0';
  static readonly operations = { add: {}, weigh: {}, fail: {}, wait: {} };
}

@RpcInterface(Shelf)
class ShelfImpl {
  async add(a: number, b: number) {
    return a + b;
  }
  async weigh(...parts: unknown[]) {
    return parts.reduce<number>((sum, part) => sum + (part instanceof Uint8Array ? part.length : 0), 0);
  }
  async fail() {
    throw new Error('as it was told');
  }
  async wait(@CurrentActivity() activity?: Activity) {
    await new Promise((resolve) => activity!.signal.addEventListener('abort', resolve));
  }
}

@IpcChannel('shelf')
class ShelfHandler {
  constructor(private readonly session: IpcSession) {}
  async say(text: string) {
    await this.session.send('news', 'said');
    return `${text}, too`;
  }
}

/** Takes out of a new browser what older browsers and other platforms do not have. */
const asOfOld = () => {
  const scope = globalThis as unknown as Record<string, any>;
  for (const [owner, ...names] of [
    ['crypto', 'randomUUID', 'subtle'],
    ['URL', 'canParse', 'parse'],
    ['AbortSignal', 'any', 'timeout', 'abort'],
    ['Promise', 'withResolvers', 'try'],
    ['Object', 'groupBy'],
    ['Array', 'fromAsync'],
  ] as const)
    for (const name of names) {
      delete scope[owner][name];
      delete Object.getPrototypeOf(scope[owner])[name];
    }
  for (const [owner, ...names] of [
    ['AbortSignal', 'throwIfAborted', 'reason'],
    ['Array', 'at', 'findLast', 'findLastIndex', 'toSorted', 'toReversed', 'toSpliced', 'with'],
    ['String', 'at', 'isWellFormed', 'toWellFormed'],
    ['Response', 'body', 'bytes'],
    ['Blob', 'stream', 'arrayBuffer'],
  ] as const)
    for (const name of names) delete scope[owner].prototype[name];
  for (const name of [
    'crypto',
    'structuredClone',
    'WeakRef',
    'FinalizationRegistry',
    'scheduler',
    'navigation',
  ])
    delete scope[name];
};

inBrowser('a page on plain http with its own host name', () => {
  const built = new BuiltPage('insecure');
  let browser: Browser;
  let app: INestApplication;
  let url: string;
  beforeAll(async () => {
    const hosts = ['linnet.test'];
    const address = await built.open();
    url = address.replace('127.0.0.1', 'linnet.test');
    const origins = [new URL(url).origin];
    @Module({
      imports: [RpcModule.forRoot({ hosts, origins }), IpcModule.forRoot({ hosts, origins })],
      providers: [ShelfImpl, ShelfHandler],
    })
    class ShelfModule {}
    browser = await launchChromium(['--host-resolver-rules=MAP linnet.test 127.0.0.1']);
    app = await NestFactory.create(ShelfModule, { logger: false });
    await app.listen(0, '127.0.0.1');
  }, 60_000);
  afterAll(async () => {
    built.close();
    await browser?.close();
    await app?.close();
  });

  it.each(['in Chromium', 'without features that older platforms lack'])(
    'can use RPC and IPC %s',
    async (how) => {
      const page = await browser.newPage();
      const isOld = how !== 'in Chromium';
      if (isOld) await page.addInitScript(asOfOld);
      const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
      await page.goto(`${url}?backend=linnet.test:${port}`);
      expect(await page.evaluate('page.exchange()')).toEqual({
        isSecureContext: false,
        hasRandomUuid: false,
        ready: 'undefined',
        rpc: '3',
        bytes: '3',
        onlyBytes: '5',
        error: 'Error: as it was told',
        // The signals of older platforms have no reason.
        aborted: isOld ? 'AbortError: The operation was aborted.' : 'Error: left',
        late: 'DeadlineError: The call was not answered within 50 ms.',
        ipc: 'hello, too',
        pushed: 'said',
        rpcOverIpc: '2',
      });
      await page.close();
    },
  );
});
