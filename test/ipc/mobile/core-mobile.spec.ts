import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createContext } from 'node:vm';
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { Logger, Module } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WebSocket } from 'ws';
import { IpcChannel, IpcHost, IpcModule, IpcSession, RpcModule } from '@linnet/backend';
import { IpcFrontend } from '@linnet/common';
import { webSocketIpc } from '@linnet/frontend';
import { PageModules, pageTimers } from '../electron/page.modules.js';
import {
  calls,
  callShelves,
  describeWith,
  interfaces,
  resetShelves,
  ShelvesImpl,
} from '../../harness/itwin.shelves.js';
import type { ITwinPage } from '../../harness/itwin.shelves.js';
import { until } from '../../harness/waiting.js';

// MobileRpcManager of @itwin/core-mobile, which is what MobileApp is connected by, against our IpcModule.

const folder = fileURLToPath(new URL('core-mobile/', import.meta.url));

@IpcChannel('lamp')
class LampHandler {
  #count = 0;
  constructor(private readonly session: IpcSession) {}
  async count() {
    return ++this.#count;
  }
  async echo(...values: unknown[]) {
    await this.session.send('lamp', values.length);
    return values;
  }
  async fail() {
    throw new Error('It fell.');
  }
  async unsendable() {
    return { n: 1n };
  }
}

@Module({
  imports: [
    RpcModule.forRoot({}),
    IpcModule.forRoot({ mobile: true, native: true, limits: { messageBytes: 2 ** 20 } }),
  ],
  providers: [ShelvesImpl, LampHandler],
})
class ShelvesModule {}

/** The sockets of pages, which end with the test. */
const sockets: WebSocket[] = [];

/** A web view with the scripts of core-mobile. */
function openPage(port: number): ITwinPage {
  class PageSocket extends WebSocket {
    constructor(url: string) {
      super(url);
      sockets.push(this);
    }
  }
  const window = createContext({});
  Object.assign(window, {
    window,
    self: window,
    global: window,
    navigator: { userAgent: 'iPad', onLine: true },
    location: { hash: `#port=${port}&platform=ios` },
    WebSocket: PageSocket,
    console,
    ...pageTimers,
    queueMicrotask,
    performance,
    crypto,
    URL,
    URLSearchParams,
    TextEncoder,
    TextDecoder,
    atob,
    btoa,
  });
  const page = new PageModules(window).load(join(folder, 'page.cjs')) as ITwinPage;
  page['start']!(interfaces);
  return page;
}

describeWith('core-mobile', folder)('MobileRpcManager of core-mobile', () => {
  let app: INestApplication;
  let port: number;
  let page: ITwinPage;
  beforeEach(async () => {
    resetShelves();
    jest.spyOn(Logger.prototype, 'warn').mockReturnValue();
    jest.spyOn(Logger.prototype, 'error').mockReturnValue();
    app = await NestFactory.create(ShelvesModule, { logger: false });
    await app.listen(0, 'localhost');
    port = (app.getHttpServer().address() as AddressInfo).port;
    page = openPage(port);
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.terminate();
    await app.close();
    jest.restoreAllMocks();
  });

  const sessions = () => app.get(IpcHost).sessions;
  const rpc = (operation: string, ...args: unknown[]) => callShelves(page, operation, ...args);

  it('calls RPC interfaces with values, guards, errors and the context of the call', async () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const sent = ['a', { list: [bytes, null], deep: { bytes, when: new Date(0) } }, new Uint8Array()];
    const when = '1970-01-01T00:00:00.000Z';
    const came = ['a', { list: [bytes, null], deep: { bytes, when } }, new Uint8Array()];
    expect(await rpc('echo', ...sent)).toEqual({ value: came });
    expect(await rpc('echo')).toEqual({ value: [] });
    expect(await rpc('context')).toEqual({
      value: {
        sessionId: 'session of the page',
        applicationId: 'mobile page',
        accessToken: 'Bearer 1',
        rpcMethod: 'context',
      },
    });
    expect((await rpc('echo', 'locked')).error).toMatchObject({ message: 'Forbidden resource' });
    expect((await rpc('fail', 'number')).error).toEqual({
      name: 'Already Loaded',
      message: 'It is loaded.',
      errorNumber: 65537,
    });
    expect((await rpc('gone')).error.message).toMatch('does not declare operation "gone"');
    expect(await rpc('pending')).toEqual({ value: 3 });
  });

  it('calls channels, and sends and receives notifications', async () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const told = page['listen']!('itwin.lamp');
    expect(await page['invoke']!('itwin.lamp', 'echo', 'a', [bytes])).toEqual({ result: ['a', [bytes]] });
    expect(told).toEqual([[2]]);
    expect(await page['invoke']!('itwin.lamp', 'fail')).toMatchObject({ error: { message: 'It fell.' } });
    expect(await page['invoke']!('itwin.lamp', 'unsendable')).toMatchObject({
      error: { message: expect.stringMatching('is a BigInt') },
    });
    expect(await page['invoke']!('itwin.nowhere', 'fail')).toMatchObject({
      error: { message: 'No handler is registered for channel: nowhere' },
    });
    const heard: unknown[] = [];
    app.get(IpcHost).addListener('spoken', (_event, ...args: unknown[]) => heard.push(args));
    page['send']!('itwin.spoken', 1, bytes);
    await until(() => heard.length > 0);
    expect(heard).toEqual([[1, bytes]]);
    expect(await page['invoke']!('itwin.itwinjs-core/nativeApp', 'checkInternetConnectivity')).toEqual({
      result: 0,
    });
  });

  it('has one session for each page, which ends with its socket', async () => {
    const other = openPage(port);
    expect(await page['invoke']!('itwin.lamp', 'count')).toEqual({ result: 1 });
    expect(await page['invoke']!('itwin.lamp', 'count')).toEqual({ result: 2 });
    expect(await other['invoke']!('itwin.lamp', 'count')).toEqual({ result: 1 });
    expect(sessions()).toHaveLength(2);
    sockets[1]!.close();
    await until(() => sessions().length === 1);
  });

  it('sends its calls again when its backend moves to another port', async () => {
    const answer = rpc('held');
    await until(() => calls.held.length === 1);
    page['reconnect']!(port);
    await until(() => calls.held.length === 2);
    calls.held[0]!('of the first');
    calls.held[1]!('of the second');
    expect(await answer).toEqual({ value: 'of the second' });
  });

  const invalid: [string, (string | Uint8Array)[], number][] = [
    ['text that is not JSON', ['{'], 1007],
    ['a message of the compatible wire', ['["{}",0]'], 1002],
    ['bytes that were not announced', [new Uint8Array(1)], 1002],
    ['text where bytes were announced', ['{"parameters":{"data":[1]}}', '{}'], 1002],
    ['a message of too many bytes', ['{"parameters":{"data":[1]}}', new Uint8Array(2 ** 20)], 1009],
    ['too many byte strings', [`{"parameters":{"data":[${'1,'.repeat(4096)}1]}}`], 1008],
    ['a member named __proto__', ['{"parameters":{"data":[]},"__proto__":1}'], 1007],
    [
      'a message of IPC without a channel',
      [
        '{"operation":{"interfaceDefinition":"__ipc__"},"parameters":{"objects":"[{\\"type\\":0}]","data":[]}}',
      ],
      1002,
    ],
    [
      'a message of IPC that is not JSON',
      ['{"operation":{"interfaceDefinition":"__ipc__"},"parameters":{"objects":"{","data":[]}}'],
      1007,
    ],
  ];

  it.each(invalid)('loses only the connection that sends %s', async (_what, frames, code) => {
    const socket = new WebSocket(`ws://localhost:${port}/`);
    sockets.push(socket);
    await once(socket, 'open');
    for (const frame of frames) socket.send(frame);
    const [closed] = (await once(socket, 'close')) as [number];
    expect(closed).toBe(code);
    expect(await page['invoke']!('itwin.lamp', 'count')).toEqual({ result: 1 });
  });

  it('is served beside frontends of Linnet, which use the durable wire', async () => {
    const frontend = new IpcFrontend(webSocketIpc(`ws://localhost:${port}/`));
    await frontend.ready;
    expect(await frontend.callIpcChannel('lamp', 'count')).toBe(1);
    expect(await page['invoke']!('itwin.lamp', 'count')).toEqual({ result: 1 });
    frontend.close();
  });
});
