import { afterEach, describe, expect, it } from '@jest/globals';
import { IpcChannel, IpcHandler, IpcHost } from '@linnet/backend';
import { createRpcClient, IpcApp, IpcFrontend, NotificationHandler, webSocketIpc } from '@linnet/frontend';
import type { WebSocketLike } from '@linnet/frontend';
import { memoryIpc, rpcOverIpc } from '@linnet/common';
import { WebSocket } from 'ws';
import { closeIpcApps, ipcRefusal, startIpcApp } from '../harness/ipc.harness.js';
import { until } from '../harness/waiting.js';
import type { IpcAppSetup } from '../harness/ipc.harness.js';
import { callMyBackend, sayHello } from './samples/my.frontend.js';
import { MyClassHandler } from './samples/my.handler.js';
import { myChannel } from './samples/my.interface.js';
import { RobotWorldReadRpcInterface } from './samples/robot-world.interface.js';
import { RobotWorldReadProvider, token } from './seeds.servers.js';

afterEach(async () => {
  IpcApp.shutdown();
  await closeIpcApps();
});

/** A backend, and the page that is paired with it. */
async function startPair(setup: IpcAppSetup = {}) {
  const backend = await startIpcApp(setup);
  await IpcApp.startup(webSocketIpc(`ws://127.0.0.1:${backend.port}/ipc`));
  return { ...backend, session: await backend.session() };
}

/** The style of iTwin.js as a provider, with Nest around its methods. */
@IpcChannel()
class MyProvider extends MyClassHandler {}

describe('Ipc Interface › IpcSocket Interface', () => {
  it('lets both sides send and receive messages', async () => {
    const { host } = await startPair();
    const heard: unknown[] = [];
    IpcApp.addListener('to-frontend', (_event, ...data) => heard.push(['frontend', ...data]));
    const stop = host.addListener('to-backend', (_event, ...data) => heard.push(['backend', ...data]));
    await host.send('to-frontend', 1, { a: 'b' });
    IpcApp.send('to-backend', 2, Uint8Array.of(3));
    await until(() => heard.length === 2);
    stop();
    IpcApp.send('to-backend', 'nobody hears this');
    IpcApp.send('to-backend-too', 'nor this');
    // Answered behind them.
    host.handle('done', () => true);
    await IpcApp.invoke('done', 'now');
    expect(heard).toHaveLength(2);
    expect(heard).toEqual(
      expect.arrayContaining([
        ['frontend', 1, { a: 'b' }],
        ['backend', 2, Uint8Array.of(3)],
      ]),
    );
  });

  it('lets the frontend invoke functions of the backend', async () => {
    const { host } = await startPair();
    host.handle('calculator', (_event, method, a: number, b: number) => [method, a + b]);
    expect(await IpcApp.invoke('calculator', 'sum', 1, 2)).toEqual(['sum', 3]);
  });

  it('works with the WebSocket class of any platform, as on mobile devices', async () => {
    const opened: string[] = [];
    class WebViewSocket extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        opened.push(new URL(url).pathname);
      }
    }
    const { port } = await startIpcApp({ providers: [MyProvider] });
    const webSocket = WebViewSocket as unknown as new (url: string, protocols: string[]) => WebSocketLike;
    await IpcApp.startup(webSocketIpc(`ws://127.0.0.1:${port}/ipc`, { webSocket }));
    expect(opened).toEqual(['/ipc']);
    expect(await sayHello()).toBe('hello: abc 10 true');
  });
});

describe('Ipc Interface › IpcApp and IpcHost', () => {
  it('throw before they are started, and have isValid false until then', async () => {
    expect([IpcApp.isValid, IpcHost.isValid]).toEqual([false, false]);
    expect(() => IpcApp.addListener('news', () => undefined)).toThrow('IpcApp has not been started');
    expect(() => IpcHost.send('news')).toThrow('no application with IpcModule');
    const { close } = await startPair();
    expect([IpcApp.isValid, IpcHost.isValid]).toEqual([true, true]);
    IpcApp.shutdown();
    expect(IpcApp.isValid).toBe(false);
    await close();
    expect(IpcHost.isValid).toBe(false);
  });

  it('notify a listener of IpcApp.addListener about each message of IpcHost.send', async () => {
    await startPair();
    const news: unknown[] = [];
    const stop = IpcApp.addListener('news', (_event, ...message) => news.push(message));
    await IpcHost.send('news', 'first', 1);
    await IpcHost.send('news', 'second', 2);
    await until(() => news.length === 2);
    stop();
    await IpcHost.send('news', 'third', 3);
    // The earlier messages have arrived.
    const after = new Promise((resolve) => IpcApp.addListener('after', resolve));
    await IpcHost.send('after');
    await after;
    expect(news).toEqual([
      ['first', 1],
      ['second', 2],
    ]);
  });

  it('notify a NotificationHandler by its method names', async () => {
    await startPair();
    const moved: unknown[] = [];
    class RobotNews extends NotificationHandler {
      get channelName() {
        return 'robot-news';
      }
      moved(id: string, x: number) {
        moved.push([id, x]);
      }
    }
    RobotNews.register();
    await IpcHost.send('robot-news', 'moved', 'r1', 2);
    await until(() => moved.length === 1);
    expect(moved).toEqual([['r1', 2]]);
  });

  it('let code choose by isValid between IPC and HTTP', async () => {
    const setup = { rpc: {}, providers: [RobotWorldReadProvider] };
    /** The sender of a page: over its session, if it has one. */
    const countRobots = (uriPrefix: string) => {
      const way = IpcApp.isValid ? { transport: rpcOverIpc(IpcApp.frontend) } : { uriPrefix };
      return createRpcClient(way).client(RobotWorldReadRpcInterface).countRobots(token);
    };
    /** The sender of a backend: notifies all listeners. */
    const tell = async () => (IpcHost.isValid ? IpcHost.send('told').then(() => 'told') : 'nobody is there');
    expect(await tell()).toBe('nobody is there');
    const { port, host } = await startIpcApp(setup);
    expect(await countRobots(`http://127.0.0.1:${port}`)).toBe(2);
    expect(host.sessions).toHaveLength(0);
    await IpcApp.startup(webSocketIpc(`ws://127.0.0.1:${port}/ipc`));
    expect(await countRobots('http://nowhere.invalid')).toBe(2);
    expect(await tell()).toBe('told');
  });
});

describe('Ipc Interface › Creating Your own Ipc Interfaces and IpcHandlers', () => {
  it('works in the three steps with register() in the startup code', async () => {
    await startPair();
    const remove = MyClassHandler.register();
    expect(await sayHello()).toBe('hello: abc 10 true');
    expect(await callMyBackend('sayHello', 'def', 0, false)).toBe('hello: def 0 false');
    remove();
    await expect(sayHello()).rejects.toThrow('my-interface-v1.2');
  });

  it('works in the three steps with the handler as a provider', async () => {
    await startPair({ providers: [MyProvider] });
    expect(await sayHello()).toBe('hello: abc 10 true');
  });

  it('has a function in step 3 that accepts only the declared types', () => {
    // The compiler is the test.
    const types = (): unknown[] => {
      const value: Promise<string> = callMyBackend('sayHello', 'abc', 10, true);
      // @ts-expect-error -- an argument of another type
      void callMyBackend('sayHello', 'abc', '10', true);
      // @ts-expect-error -- an argument is missing
      void callMyBackend('sayHello', 'abc', 10);
      // @ts-expect-error -- a method that there is not
      return [value, callMyBackend('sayGoodbye')];
    };
    expect(types).toBeInstanceOf(Function);
  });

  it('returns a promise to the frontend, also from a synchronous method', async () => {
    class Sync extends IpcHandler {
      get channelName() {
        return 'sync';
      }
      now() {
        return 5;
      }
    }
    await startPair();
    Sync.register();
    const value = IpcApp.makeIpcProxy<Sync>('sync').now();
    expect(value).toBeInstanceOf(Promise);
    expect(await value).toBe(5);
  });

  it('throws if a handler does not name its channel', async () => {
    class Silent extends IpcHandler {
      get channelName() {
        return '';
      }
      async say() {
        return 'something';
      }
    }
    await startIpcApp();
    expect(() => Silent.register()).toThrow('An IPC channel needs a name');
    // @ts-expect-error -- abstract
    class None extends IpcHandler {}
    expect(() => (None as unknown as typeof Silent).register()).toThrow('does not name its IPC channel');
  });

  it('refuses frontends of another version by a version in the name of the channel', async () => {
    class Newer extends MyClassHandler {
      override get channelName() {
        return 'my-interface-v1.3' as typeof myChannel;
      }
      override async sayHello(name: string) {
        return `good morning, ${name}`;
      }
    }
    await startPair();
    Newer.register();
    await expect(sayHello()).rejects.toThrow(myChannel);
    expect(await IpcApp.callIpcChannel('my-interface-v1.3', 'sayHello', 'abc')).toBe('good morning, abc');
    // Both, while there are frontends of both.
    MyClassHandler.register();
    expect(await sayHello()).toBe('hello: abc 10 true');
  });

  it('allows many interfaces, each with a channel of its own', async () => {
    await startPair();
    const channels = Array.from({ length: 30 }, (_, i) => `interface-${i}`);
    for (const channel of channels) {
      class Handler extends IpcHandler {
        get channelName() {
          return channel;
        }
        async first() {
          return `first of ${channel}`;
        }
        async second(n: number) {
          return `second of ${channel}: ${n}`;
        }
      }
      Handler.register();
    }
    const asked = channels.map((channel, i) => IpcApp.callIpcChannel(channel, 'second', i));
    expect(await Promise.all(asked)).toEqual(channels.map((channel, i) => `second of ${channel}: ${i}`));
    expect(await IpcApp.callIpcChannel('interface-7', 'first')).toBe('first of interface-7');
  });

  it('refuses a second handler of a channel by its name', async () => {
    @IpcChannel(myChannel)
    class Second {
      async sayHello() {
        return 'hello from elsewhere';
      }
    }
    expect(await ipcRefusal({ providers: [MyProvider, Second] })).toBe(
      `IPC channel "${myChannel}" has two handlers: MyProvider and Second.`,
    );
    await startIpcApp({ providers: [MyProvider] });
    expect(() => MyClassHandler.register()).toThrow(myChannel);
  });
});

describe('Ipc Interface › Overview', () => {
  it('lets a dedicated backend of a web application refuse a second frontend', async () => {
    const { refused } = await startPair({ ipc: { dedicated: true }, providers: [MyProvider] });
    expect((await refused()).status).toBe(409);
    expect(await sayHello()).toBe('hello: abc 10 true');
  });

  it('works without a socket if both sides are in one process', async () => {
    const { host } = await startIpcApp();
    MyClassHandler.register();
    const frontend = new IpcFrontend(memoryIpc(host.server));
    await frontend.ready;
    expect(await frontend.callIpcChannel(myChannel, 'sayHello', 'abc', 10, true)).toBe('hello: abc 10 true');
    frontend.close();
  });
});
