import { Module } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { IpcChannel, IpcHandler, IpcHost, IpcModule } from '@linnet/backend';
import type { IpcFrontend } from '@linnet/frontend';
import { openFrontend } from '../harness/ipc.harness.js';
import { loadPackages, missing } from './packages.js';
import type { Packages } from './packages.js';

@Module({ imports: [IpcModule.forRoot()] })
class AppModule {}

(missing ? describe.skip : describe)('core-backend in the process of an application', () => {
  let packages: Packages;
  let app: INestApplication;
  let frontend: IpcFrontend;
  beforeAll(async () => {
    packages = loadPackages();
    app = await NestFactory.create(AppModule, { logger: false });
    await app.listen(0, '127.0.0.1');
    frontend = await openFrontend(await app.getUrl());
  }, 60_000);
  afterEach(() => packages.backend.IpcHost.shutdown());
  afterAll(async () => {
    frontend.close();
    await app.close();
  });

  const call = (channel: string, method: string, ...args: unknown[]) =>
    frontend.callIpcChannel(channel, method, ...args);

  it('answers its own functions on the sessions of IpcModule', async () => {
    const { IpcHost: ItwinHost } = packages.backend;
    expect(await call('itwinjs-core/ipc-app', 'queryConcurrency', 'cpu')).toBeUndefined();
    await ItwinHost.startup({ ipcHost: { socket: app.get(IpcHost).ipc } });
    expect(ItwinHost.isValid).toBe(true);
    expect(await call('itwinjs-core/ipc-app', 'queryConcurrency', 'cpu')).toBe(4);
    await expect(call('itwinjs-core/ipc-app', 'closeIModel', 'nope')).rejects.toThrow('iModel not found');
  });

  it('answers on channels of its own, notifies, and starts a second time', async () => {
    const { IpcHost: ItwinHost, IpcHandler: ItwinHandler } = packages.backend;
    for (const round of [1, 2]) {
      await ItwinHost.startup({ ipcHost: { socket: app.get(IpcHost).ipc } });
      class Mine extends ItwinHandler {
        get channelName() {
          return 'mine';
        }
        async hello(name: string) {
          ItwinHost.send('news', 'greeted', name, round);
          return `hello ${name}`;
        }
      }
      Mine.register();
      const heard = new Promise((resolve) => {
        const stop = frontend.addListener('news', (_event, ...args) => {
          stop();
          resolve(args);
        });
      });
      expect(await call('mine', 'hello', 'x')).toBe('hello x');
      expect(await heard).toEqual(['greeted', 'x', round]);
      await ItwinHost.shutdown();
    }
  });

  it('has handlers that can be registered and provided like those of Linnet', async () => {
    class Core extends packages.backend.IpcHandler {
      get channelName() {
        return 'of-core';
      }
      async say() {
        return 'said';
      }
    }
    app.get(IpcHost).register(new Core());
    expect(await call('of-core', 'say')).toBe('said');
    await expect(call('of-core', 'toString')).rejects.toThrow('not available');
    @IpcChannel()
    class Provided extends Core {
      override get channelName() {
        return 'provided';
      }
    }
    @Module({ imports: [IpcModule.forRoot()], providers: [Provided] })
    class OtherModule {}
    const other = await NestFactory.create(OtherModule, { logger: false });
    try {
      await other.listen(0, '127.0.0.1');
      const second = await openFrontend(await other.getUrl());
      expect(await second.callIpcChannel('provided', 'say')).toBe('said');
      second.close();
    } finally {
      await other.close();
    }
  });
});

describe('a handler of iTwin.js functions', () => {
  class Functions extends IpcHandler {
    get channelName() {
      return 'itwinjs-core/ipc-app';
    }
    async openCheckpoint(checkpoint: { iModelId: string }) {
      return { key: checkpoint.iModelId, name: 'hall' };
    }
  }

  it.each(['a provider', 'an object that is registered by hand'])(
    'can be %s, and leaves the other functions to the application',
    async (kind) => {
      const isProvider = kind === 'a provider';
      @IpcChannel()
      class Provided extends Functions {}
      @Module({ imports: [IpcModule.forRoot()], providers: isProvider ? [Provided] : [] })
      class ModelModule {}
      const app = await NestFactory.create(ModelModule, { logger: false });
      try {
        await app.listen(0, '127.0.0.1');
        if (!isProvider) app.get(IpcHost).register(new Functions());
        const frontend = await openFrontend(await app.getUrl());
        const functions = 'itwinjs-core/ipc-app';
        expect(await frontend.callIpcChannel(functions, 'openCheckpoint', { iModelId: 'm' })).toEqual({
          key: 'm',
          name: 'hall',
        });
        expect(await frontend.callIpcChannel(functions, 'queryConcurrency', 'cpu')).toBeUndefined();
        expect(await frontend.callIpcChannel(functions, 'log', 1)).toBeUndefined();
        await expect(frontend.callIpcChannel(functions, 'openSnapshot', 'f')).rejects.toMatchObject({
          errorNumber: 65606,
        });
        frontend.close();
      } finally {
        await app.close();
      }
    },
  );
});
