import { Injectable, Module } from '@nestjs/common';
import type { OnModuleInit } from '@nestjs/common';
import { IpcChannel, IpcHandler } from '@linnet/backend';
import { closeIpcApps, startIpcApp } from '../../../harness/ipc.harness.js';

afterEach(closeIpcApps);

describe('a handler that is registered by hand', () => {
  class MyHandler extends IpcHandler {
    get channelName() {
      return 'my-interface-v1.2';
    }
    async sayHello(name: string) {
      return `hello: ${name}`;
    }
    async _private() {}
  }

  it('answers until it is unregistered', async () => {
    const { connect } = await startIpcApp();
    const { ask, fail } = await connect();
    const unregister = MyHandler.register();
    expect(await ask('my-interface-v1.2.sayHello', 'abc')).toEqual({ result: 'hello: abc' });
    expect((await fail('my-interface-v1.2._private')).message).toContain('"MyHandler._private" not found');
    unregister();
    expect((await fail('my-interface-v1.2.sayHello')).message).toContain('No handler is registered');
    MyHandler.register();
    unregister();
    expect(await ask('my-interface-v1.2.sayHello', 'x')).toEqual({ result: 'hello: x' });
  });

  it('replaces the handler before it, whose removal then changes nothing', async () => {
    const { connect, host } = await startIpcApp();
    const { ask, fail } = await connect();
    class NewHandler extends MyHandler {
      override async sayHello(name: string) {
        return `hi: ${name}`;
      }
    }
    const first = MyHandler.register();
    const second = NewHandler.register();
    expect(await ask('my-interface-v1.2.sayHello', 'x')).toEqual({ result: 'hi: x' });
    first();
    expect(await ask('my-interface-v1.2.sayHello', 'x')).toEqual({ result: 'hi: x' });
    const third = host.handle('my-interface-v1.2', () => ({ result: 'bare' }));
    second();
    expect(await ask('my-interface-v1.2.sayHello', 'x')).toEqual({ result: 'bare' });
    third();
    expect((await fail('my-interface-v1.2.sayHello')).message).toContain('No handler is registered');
  });

  it('is rejected on the channel of RPC over IPC', async () => {
    const { host } = await startIpcApp();
    expect(() => host.ipc.handle('itwin.itwinjs-core/rpc-over-ipc', () => undefined)).toThrow('Two handlers');
  });

  it('has its internal errors hidden as other handlers do', async () => {
    const { connect, host } = await startIpcApp();
    class Inside extends Error {}
    class OwnHandler extends MyHandler {
      override async sayHello(): Promise<string> {
        throw new Inside('secret');
      }
    }
    host.register(new OwnHandler());
    const { fail } = await connect();
    expect(await fail('my-interface-v1.2.sayHello')).toMatchObject({ message: 'Internal error' });
  });

  it('can be registered while modules are initialized', async () => {
    @Injectable()
    class Registering implements OnModuleInit {
      onModuleInit() {
        MyHandler.register();
      }
    }
    @Module({ providers: [Registering] })
    class Deep {}
    @Module({ imports: [Deep] })
    class Feature {}
    const { connect } = await startIpcApp({ imports: [Feature] });
    expect(await (await connect()).ask('my-interface-v1.2.sayHello', 'x')).toEqual({ result: 'hello: x' });
  });

  it('is rejected if there is no application, another handler of the channel, or no channel name', async () => {
    expect(() => MyHandler.register()).toThrow(
      'There is no IpcHost: no application with IpcModule has been started.',
    );
    const { host } = await startIpcApp({ providers: [IpcChannel()(MyHandler) ?? MyHandler] });
    expect(() => MyHandler.register()).toThrow('Two handlers of the IPC channel');
    expect(() => host.register(new (class Mute {})())).toThrow('Mute does not name its IPC channel');
  });
});
