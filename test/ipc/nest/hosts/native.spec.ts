import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { MessageChannel } from 'node:worker_threads';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IpcHost, IpcModule, serveMessagePort } from '@linnet/backend';
import type { IpcModuleOptions } from '@linnet/backend';
import { createTestIpcSession } from '@linnet/backend/testing';
import { messagePortIpc } from '@linnet/common';
import { IpcApp, IpcFrontend, webSocketIpc } from '@linnet/frontend';
import { NodeRequestHead } from '../../../../libs/backend/src/node/http/request.head.js';
import { adapters, closeIpcApps, makeIpcApp, startIpcApp } from '../../../harness/ipc.harness.js';

const frontends: IpcFrontend[] = [];
afterEach(async () => {
  for (const frontend of frontends.splice(0)) frontend.close();
  await closeIpcApps();
});

async function connect(connector: ConstructorParameters<typeof IpcFrontend>[0]): Promise<IpcFrontend> {
  const frontend = new IpcFrontend(connector, { reconnect: false });
  frontends.push(frontend);
  await frontend.ready;
  return frontend;
}

const elsewhere = Object.values(networkInterfaces())
  .flat()
  .find((address) => address?.family === 'IPv4' && !address.internal)?.address;
if (elsewhere === undefined)
  console.warn(
    'Tests of connections that do not come over loopback are skipped: this computer has no network.',
  );

describe.each(Object.entries(adapters))('a native app on %s', (_name, way) => {
  it('is native on both sides', async () => {
    const { port, host } = await startIpcApp({ way, ipc: { native: true } });
    const frontend = await connect(webSocketIpc(`ws://localhost:${port}/ipc`));
    expect([frontend.isNative, host.isNative, IpcHost.isNative]).toEqual([true, true, true]);
    expect(IpcApp.isNative).toBe(false);
    await IpcApp.startup(webSocketIpc(`ws://127.0.0.1:${port}/ipc`));
    expect(IpcApp.isNative).toBe(true);
    IpcApp.shutdown();
    expect(IpcApp.isNative).toBe(false);
  });

  it('is not native over loopback if the option native is missing', async () => {
    const { port, host } = await startIpcApp({ way });
    const frontend = await connect(webSocketIpc(`ws://127.0.0.1:${port}/ipc`));
    expect([frontend.isNative, host.isNative]).toEqual([false, false]);
  });

  it('accepts loopback names of hosts and origins only', async () => {
    const { refused } = await startIpcApp({ way, ipc: { native: true } });
    expect(await refused({ headers: { Host: 'evil.example' } })).toMatchObject({ status: 403 });
    expect(await refused({ headers: { Origin: 'https://evil.example' } })).toMatchObject({ status: 403 });
  });

  (elsewhere === undefined ? it.skip : it)('refuses connections that do not come over loopback', async () => {
    const statuses: unknown[] = [];
    for (const ipc of [{ native: true }, {}] satisfies IpcModuleOptions[]) {
      const { app } = await makeIpcApp({ way, ipc });
      await app.listen(0, elsewhere!);
      const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
      const frontend = new IpcFrontend(webSocketIpc(`ws://${elsewhere}:${port}/ipc`), { reconnect: false });
      statuses.push(
        await frontend.ready.then(
          () => 'open',
          () => 'refused',
        ),
      );
      frontend.close();
      await app.close();
    }
    expect(statuses).toEqual(['refused', 'open']);
  });
});

describe('a connection of a frontend', () => {
  @Module({ imports: [IpcModule.forRoot()] })
  class AppModule {}

  it('is native over a message port', async () => {
    const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
    try {
      const { port1, port2 } = new MessageChannel();
      serveMessagePort(app, port2);
      const frontend = await connect(messagePortIpc(port1));
      expect([frontend.isNative, app.get(IpcHost).isNative]).toEqual([true, true]);
    } finally {
      await app.close();
    }
  });

  it('is native if it has no address', async () => {
    const { app } = await startIpcApp({ ipc: { native: true } });
    const frontend = await createTestIpcSession(app);
    frontends.push(frontend);
    expect(frontend.isNative).toBe(true);
  });

  it.each([
    ['127.0.0.1', '127.0.0.1', true],
    ['::1', '::1', true],
    ['::ffff:127.0.0.1', '::ffff:127.0.0.1', true],
    [undefined, undefined, true],
    ['192.0.2.7', '192.0.2.9', false],
    ['192.0.2.7', '192.0.2.7', false],
    ['127.0.0.1', '192.0.2.9', false],
    ['192.0.2.7', '127.0.0.1', false],
    ['::ffff:192.0.2.7', '::ffff:192.0.2.7', false],
    ['fe80::1', 'fe80::1', false],
  ])('from %s to %s is native: %s', (remoteAddress, localAddress, expected) => {
    const request = { method: 'GET', url: '/', headers: {}, socket: { localAddress, remoteAddress } };
    expect(new NodeRequestHead(request as unknown as IncomingMessage).isNative()).toBe(expected);
  });
});
