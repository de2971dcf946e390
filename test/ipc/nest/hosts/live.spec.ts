import { Injectable, Module, Scope } from '@nestjs/common';
import type { CanActivate, OnModuleInit } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { IpcChannel, IpcHandler, IpcHost, IpcModule } from '@linnet/backend';
import { closeIpcApps, connect, makeIpcApp, startIpcApp } from '../../../harness/ipc.harness.js';
import type { IpcAppSetup } from '../../../harness/ipc.harness.js';

class MyHandler extends IpcHandler {
  get channelName() {
    return 'mine-v1';
  }
  async sayHello(name: string) {
    return `hello: ${name}`;
  }
}

@IpcChannel('one')
class First {
  async say() {}
}
@IpcChannel('one')
class Second extends First {}

@Injectable({ scope: Scope.REQUEST })
class ScopedGuard implements CanActivate {
  canActivate() {
    return true;
  }
}

afterEach(closeIpcApps);

describe('an application with IpcModule that is created and not started', () => {
  it('accepts handlers that main.ts registers by hand', async () => {
    @Module({ imports: [IpcModule.forRoot()] })
    class AppModule {}
    const app = await NestFactory.create(AppModule, { logger: false });
    try {
      expect(IpcHost.isValid).toBe(true);
      MyHandler.register();
      IpcHost.handle('bare', (_event, method) => `bare ${method}`);
      await app.listen(0, '127.0.0.1');
      const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
      const { ask, raw } = await connect(port);
      expect(await ask('mine-v1.sayHello', 'x')).toEqual({ result: 'hello: x' });
      expect(await raw.invoke('itwin.bare', 'call')).toBe('bare call');
    } finally {
      await app.close();
    }
    expect(IpcHost.isValid).toBe(false);
  });

  it('is not the current application any more when it is closed', async () => {
    const { app } = await makeIpcApp({});
    expect(IpcHost.isValid).toBe(true);
    await app.close();
    expect(IpcHost.isValid).toBe(false);
  });
});

describe('an application with IpcModule that failed to start', () => {
  it.each<[string, IpcAppSetup]>([
    ['two handlers of a channel', { providers: [First, Second] }],
    ['a guard that cannot be made', { ipc: { guards: [ScopedGuard] } }],
  ])('is not used by static members of IpcHost: %s', async (_what, setup) => {
    const { app } = await makeIpcApp(setup);
    await expect(app.init()).rejects.toThrow(/two handlers|request-scoped guard/);
    expect(IpcHost.isValid).toBe(false);
    expect(() => MyHandler.register()).toThrow('There is no IpcHost');
    // The next one is the only one.
    const { connect } = await startIpcApp();
    MyHandler.register();
    expect(await (await connect()).ask('mine-v1.sayHello', 'x')).toEqual({ result: 'hello: x' });
  });

  it('is not used by static members of IpcHost after a provider has failed and it is closed', async () => {
    @Injectable()
    class Failing implements OnModuleInit {
      onModuleInit() {
        throw new Error('no database');
      }
    }
    const { app } = await makeIpcApp({ providers: [Failing] });
    await expect(app.init()).rejects.toThrow('no database');
    await app.close();
    expect(IpcHost.isValid).toBe(false);
  });
});
