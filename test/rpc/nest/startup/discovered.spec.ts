import { Controller, Get, HttpCode, Injectable, Module, Scope, SetMetadata } from '@nestjs/common';
import type { CanActivate, INestApplication, OnApplicationBootstrap } from '@nestjs/common';
import {
  APP_GUARD,
  ContextIdFactory,
  DiscoveryModule,
  DiscoveryService,
  LazyModuleLoader,
  ModuleRef,
} from '@nestjs/core';
import { Injector } from '@nestjs/core/internal';
import { HealthModule, IpcChannel, IpcModule, IpcSession, RpcInterface, RpcModule } from '@linnet/backend';
import { createIpcServer, createRpcServer } from '@linnet/backend/node';
import { InspectorModule } from '@linnet/inspector';
import { closeIpcApps, ipcRefusal, startIpcApp } from '../../../harness/ipc.harness.js';
import { closeApps, definitionOf, refusal, startApp } from '../../../harness/nest.harness.js';

afterEach(async () => {
  await closeIpcApps();
  await closeApps();
});

/** `@OnEvent()` of `@nestjs/event-emitter`. */
const OnEvent = (event: string) => SetMetadata('EVENT_LISTENER_METADATA', [{ event }]);

/** `EventSubscribersLoader` of `@nestjs/event-emitter`: nobody awaits what a listener returns. */
@Injectable()
class Events implements OnApplicationBootstrap {
  readonly #listeners: ((payload: unknown) => Promise<unknown>)[] = [];
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly moduleRef: ModuleRef,
  ) {}
  onApplicationBootstrap() {
    for (const wrapper of this.discovery.getProviders()) {
      const { instance, host } = wrapper as { instance: any; host: any };
      if (!instance || typeof instance !== 'object') continue;
      for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(instance))) {
        const value = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(instance), name)?.value;
        if (typeof value !== 'function' || !Reflect.hasMetadata('EVENT_LISTENER_METADATA', value)) continue;
        this.#listeners.push(async (payload) => {
          if (wrapper.isDependencyTreeStatic()) return instance[name](payload);
          const contextId = ContextIdFactory.getByRequest({ payload } as any);
          this.moduleRef.registerRequestByContextId(payload, contextId);
          const made = await new Injector().loadPerContext(instance, host, host.providers, contextId);
          return made[name](payload);
        });
      }
    }
  }
  emit(payload: unknown) {
    return this.#listeners.map((listener) => listener(payload));
  }
}
const events = { imports: [DiscoveryModule], providers: [Events] };

describe('a provider that depends on a session is refused', () => {
  const remedy = 'Move it to a provider that does not depend on it, and get the sessions from IpcHost.';

  it('if its method listens to events of a library', async () => {
    @IpcChannel('news')
    class NewsHandler {
      constructor(readonly session: IpcSession) {}
      @OnEvent('moved')
      async moved() {}
    }
    expect(await ipcRefusal({ ...events, providers: [NewsHandler, Events] })).toBe(
      `NewsHandler.moved (@OnEvent()) would run outside a session, but depends on IpcSession. ${remedy}`,
    );
  });

  it('if it is not a handler, and its base class listens to events of a library', async () => {
    class Base {
      @OnEvent('moved')
      async moved() {}
    }
    @Injectable()
    class Notifier extends Base {
      constructor(readonly session: IpcSession) {
        super();
      }
    }
    expect(await ipcRefusal({ providers: [Notifier] })).toContain('Notifier.moved (@OnEvent())');
  });

  it('if only the guard of its event listener depends on the session', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Guard implements CanActivate {
      constructor(readonly session: IpcSession) {}
      canActivate() {
        return true;
      }
    }
    @IpcChannel('news')
    class NewsHandler {
      @OnEvent('moved')
      async moved() {}
    }
    const providers = [NewsHandler, { provide: APP_GUARD, useClass: Guard }];
    expect(await ipcRefusal({ providers })).toContain('NewsHandler.moved (@OnEvent())');
  });

  it.each([
    ['SCHEDULER_TYPE', '@Cron(), @Interval() or @Timeout()'],
    ['microservices:pattern', '@MessagePattern() or @EventPattern()'],
  ])('if its method has the metadata %s', async (key, words) => {
    @IpcChannel('jobs')
    class JobsHandler {
      constructor(readonly session: IpcSession) {}
      @SetMetadata(key, 1)
      async run() {}
    }
    expect(await ipcRefusal({ providers: [JobsHandler] })).toContain(`JobsHandler.run (${words})`);
  });

  it.each(['bullmq:processor_metadata', '__eventsHandler__'])(
    'if its class has the metadata %s',
    async (key) => {
      @Injectable()
      @SetMetadata(key, {})
      class Jobs {
        constructor(readonly session: IpcSession) {}
      }
      expect(await ipcRefusal({ providers: [Jobs] })).toMatch(/^Jobs \(@\w+\(\)\) would run outside/);
    },
  );

  it('while a handler that depends on no session may listen to events', async () => {
    const heard: unknown[] = [];
    @IpcChannel('news')
    class NewsHandler {
      @OnEvent('moved')
      async moved(event: unknown) {
        heard.push(event);
      }
    }
    const { app } = await startIpcApp({ ...events, providers: [NewsHandler, Events] });
    await Promise.all(app.get(Events).emit('r7'));
    expect(heard).toEqual(['r7']);
  });
});

describe('a module that is loaded lazily', () => {
  const load = (app: INestApplication, module: object) =>
    app.get(LazyModuleLoader).load(() => module as any, { logger: false });
  const definition = definitionOf('Late', 'go');

  it('provides implementations that are served', async () => {
    @RpcInterface(definition)
    class LateImpl {
      async go() {
        return 'went';
      }
    }
    @Module({ providers: [LateImpl] })
    class LateModule {}
    const { app, call, log } = await startApp({});
    expect((await call('Late.go')).status).toBe(404);
    await load(app, LateModule);
    expect((await call('Late.go')).json).toBe('went');
    expect(log.find('log', 'LateImpl answers Late 1.0.0: go')).toHaveLength(1);
    // A second time changes nothing.
    await load(app, LateModule);
    expect((await call('Late.go')).json).toBe('went');
  });

  it('provides handlers that answer their channels, also in existing sessions', async () => {
    @IpcChannel('late')
    class LateHandler {
      constructor(private readonly session: IpcSession) {}
      async id() {
        return this.session.id;
      }
    }
    @IpcChannel('plain')
    class PlainHandler {
      async say() {
        return 'said';
      }
    }
    @Module({ providers: [LateHandler, PlainHandler] })
    class LateModule {}
    const { app, connect, session } = await startIpcApp();
    const { ask } = await connect();
    await load(app, LateModule);
    expect(await ask('plain.say')).toEqual({ result: 'said' });
    expect(await ask('late.id')).toEqual({ result: (await session()).id });
  });

  it('is protected by the global guards, request-scoped or not', async () => {
    @RpcInterface(definition)
    class LateImpl {
      async go() {
        return 'went';
      }
    }
    @IpcChannel('late')
    class LateHandler {
      async go() {
        return 'went';
      }
    }
    @Module({ providers: [LateImpl, LateHandler] })
    class LateModule {}
    for (const scope of [Scope.DEFAULT, Scope.REQUEST]) {
      @Injectable({ scope })
      class Guard implements CanActivate {
        canActivate() {
          return false;
        }
      }
      const { app, connect, send, close } = await startIpcApp({
        rpc: {},
        providers: [{ provide: APP_GUARD, useClass: Guard }],
      });
      await load(app, LateModule);
      expect((await send({ target: '/Late-1.0.0-go', body: '[]' })).status).toBe(403);
      expect((await (await connect()).fail('late.go')).message).toBe('Forbidden resource');
      await close();
    }
  });

  it('is refused if it cannot work, and other modules still load', async () => {
    @RpcInterface(definition)
    class BrokenImpl {}
    @Module({ providers: [BrokenImpl] })
    class BrokenModule {}
    @Module({})
    class OtherModule {}
    const { app } = await startApp({});
    await expect(load(app, BrokenModule)).rejects.toThrow('BrokenImpl does not implement go');
    await load(app, OtherModule);
  });

  it('is refused if it serves requests of its own', async () => {
    const { app } = await startIpcApp();
    await expect(load(app, RpcModule.forRoot())).rejects.toThrow('RpcModule cannot be loaded lazily');
    await expect(load(app, IpcModule.forRoot({ path: '/other' }))).rejects.toThrow(
      'IpcModule cannot be loaded lazily',
    );
    await expect(load(app, InspectorModule.forRoot({ authorize: () => true }))).rejects.toThrow(
      'InspectorModule cannot be loaded lazily',
    );
    await expect(load(app, HealthModule.forRoot())).rejects.toThrow('HealthModule cannot be loaded lazily');
  });
});

describe('a path that is a pattern is refused', () => {
  it('as the global prefix of RPC', async () => {
    for (const prefix of ['api/:tenant', 'api/*rest', 'api{/:tenant}'])
      expect(await refusal({ configure: (app) => app.setGlobalPrefix(prefix) })).toBe(
        `The global prefix is "${prefix}", a pattern, which matches no request: ` +
          "set the path of RPC, as in RpcModule.forRoot({ path: '/rpc' }).",
      );
  });

  it('but allowed as the global prefix if RPC has its own path', async () => {
    @RpcInterface(definitionOf('Cats', 'find'))
    class CatsImpl {
      async find() {
        return 'found';
      }
    }
    const { send } = await startApp({
      providers: [CatsImpl],
      options: { path: '/rpc' },
      configure: (app) => app.setGlobalPrefix('api/:tenant'),
    });
    expect((await send({ target: '/rpc/Cats-1.0.0-find', body: '[]' })).json).toBe('found');
  });

  it('as the path of RPC or IPC', async () => {
    expect(await refusal({ options: { path: '/rpc/:tenant' } })).toContain('The path of RpcModule');
    expect(await ipcRefusal({ ipc: { path: '/ipc/:hall' } })).toContain('The path of IpcModule');
    const docs = { path: '/docs/:tenant' };
    expect(await refusal({ options: { docs } })).toContain('The path of the documents');
    const inspector = InspectorModule.forRoot({ authorize: () => true, path: 'inspector/:hall' });
    expect(await refusal({ imports: [inspector] })).toContain('The path of the IPC server');
    expect(() => createIpcServer({ path: '/ipc/*rest' })).toThrow('The path of the IPC server');
    expect(() => createRpcServer({ path: '/:tenant', interfaces: [] })).toThrow('The path of the RPC server');
  });
});

describe('the start of an application warns', () => {
  it('if the global prefix excludes RPC', async () => {
    @RpcInterface(definitionOf('Cats', 'find'))
    class CatsImpl {
      async find() {
        return 'found';
      }
    }
    const { log } = await startApp({
      providers: [CatsImpl],
      configure: (app) => app.setGlobalPrefix('api', { exclude: ['Cats-*rest'] }),
    });
    expect(log.find('warn', 'The global prefix excludes /Cats-1.0.0-find')).toHaveLength(1);
  });

  it('of decorators for routes that have no effect on calls', async () => {
    class Cats {
      @HttpCode(201)
      async find() {
        return 'found';
      }
      @Get()
      @HttpCode(201)
      async list() {
        return [];
      }
    }
    @RpcInterface(definitionOf('Cats', 'find', 'list'))
    @Controller({ path: 'cats', host: 'admin.example.com' })
    class CatsImpl extends Cats {}
    @IpcChannel('cats')
    class CatsHandler extends Cats {}
    const { log } = await startIpcApp({ rpc: {}, controllers: [CatsImpl], providers: [CatsHandler] });
    expect(log.find('warn', 'calls ignore it')).toEqual([
      'CatsHandler.find: @HttpCode() is for routes, and calls ignore it.',
      'CatsImpl: the host that its controller declares is for routes, and calls ignore it.',
      'CatsImpl.find: @HttpCode() is for routes, and calls ignore it.',
    ]);
  });
});
