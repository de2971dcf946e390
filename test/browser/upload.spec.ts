import { createHash, randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { Module } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Browser } from 'playwright-core';
import { RpcInterface, RpcModule } from '@linnet/backend';
import type { RpcStream } from '@linnet/common';
import { gate, until } from '../harness/waiting.js';
import { BuiltPage } from './built.page.js';
import { inBrowser, launchChromium } from './chromium.js';

jest.setTimeout(60_000);

/** More than the buffers of the browser and of sockets. */
const FILE_BYTES = 40 * 1024 * 1024;

abstract class Store {
  static readonly interfaceName = 'Store';
  static readonly interfaceVersion = '1.0.0';
  static readonly operations = { receive: {} };
}

const state = { read: 0, goOn: gate() };

@RpcInterface(Store)
class StoreImpl {
  async receive(name: string, content: RpcStream<Uint8Array>) {
    const hash = createHash('sha256');
    for await (const piece of content) {
      state.read += piece.byteLength;
      hash.update(piece);
      await state.goOn.opened;
    }
    return `${name} ${hash.digest('hex')}`;
  }
}

inBrowser('a file of a page', () => {
  const built = new BuiltPage('upload');
  const sockets: Socket[] = [];
  let browser: Browser;
  let app: INestApplication;
  let url: string;
  beforeAll(async () => {
    url = await built.open();
    @Module({ imports: [RpcModule.forRoot({ origins: [new URL(url).origin] })], providers: [StoreImpl] })
    class StoreModule {}
    browser = await launchChromium();
    app = await NestFactory.create(StoreModule, { logger: false });
    (app.getHttpServer() as Server).on('connection', (socket: Socket) => sockets.push(socket));
    await app.listen(0, '127.0.0.1');
  }, 60_000);
  afterAll(async () => {
    built.close();
    await browser?.close();
    await app?.close();
  });

  it('is read over HTTP while it arrives, and no faster than the method reads it', async () => {
    const buffer = randomBytes(FILE_BYTES);
    const page = await browser.newPage();
    const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
    await page.goto(`${url}?backend=127.0.0.1:${port}`);
    await page.setInputFiles('input', { name: 'plan.bin', mimeType: 'application/octet-stream', buffer });
    const receipt = page.evaluate('page.upload()');
    await until(() => state.read > 0);
    const arrived = () => sockets.reduce((sum, { bytesRead }) => sum + bytesRead, 0);
    let before = -1;
    await until(async () => {
      const isStill = arrived() === before;
      before = arrived();
      // A round trip through the page.
      await page.evaluate('1');
      return isStill;
    });
    expect(before).toBeLessThan(FILE_BYTES);
    state.goOn.open();
    expect(await receipt).toBe(`plan.bin ${createHash('sha256').update(buffer).digest('hex')}`);
    expect(state.read).toBe(FILE_BYTES);
    await page.close();
  });
});
