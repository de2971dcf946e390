import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable, Module, Scope, UseGuards, UseInterceptors } from '@nestjs/common';
import type { CanActivate, ExecutionContext, MiddlewareConsumer } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientRequestContext,
  CorrelationInterceptor,
  CorrelationMiddleware,
  IpcChannel,
  IpcHost,
  IpcModule,
  IpcSession,
  memoryIpc,
  RpcInterface,
  RpcModule,
} from '@linnet/backend';
import { createRpcClient } from '@linnet/backend/node';
import { createRpcClient as createPageClient, IpcFrontend, rpcOverIpc } from '@linnet/common';
import type { Activity, HttpRequest, RpcClientOptions } from '@linnet/common';
import { closeIpcApps, startIpcApp } from '../../../harness/ipc.harness.js';
import { until } from '../../../harness/waiting.js';
import { closeApps, definitionOf, startApp, ways } from '../../../harness/nest.harness.js';

/** Requests that were sent to another backend. */
const sent: HttpRequest[] = [];
const stock = createRpcClient({
  uriPrefix: 'http://stock',
  forwardAuthorization: true,
  send: async (request) => {
    sent.push(request);
    return { status: 200, header: () => null, body: new TextEncoder().encode('7') };
  },
}).client<{ count(): Promise<number> }>(definitionOf('Stock', 'count'));

/** The context that code finds when it runs as part of a call. */
interface Found {
  activityId: string;
  accessToken: string;
  deadline: boolean;
  user: unknown;
  sentToken: string | undefined;
  sentTimeout: string | undefined;
  count: unknown;
}

async function look(): Promise<Found> {
  const { activityId, accessToken, deadline, user } = ClientRequestContext.current;
  const count = await stock.count().catch((error: unknown) => String(error));
  const { headers = {} } = sent.pop() ?? {};
  const lower = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const [sentToken, sentTimeout] = [lower['authorization'], lower['x-linnet-timeout']];
  return { activityId, accessToken, deadline: deadline !== undefined, user, sentToken, sentTimeout, count };
}

let release: () => void;
let activity: Activity;
let during: Found;
let afterwards: Promise<Found>;

/** Looks now, and once more when it is released: behind the answer. */
async function lookTwice(): Promise<string> {
  const released = new Promise<void>((resolve) => (release = resolve));
  activity = ClientRequestContext.current;
  afterwards = released.then(look);
  during = await look();
  return 'answered';
}

const idsOnly = {
  accessToken: '',
  deadline: false,
  user: undefined,
  sentToken: undefined,
  sentTimeout: undefined,
};

async function expectIdsOnly(): Promise<void> {
  // The client may have its answer before the server hears that it is sent.
  await until(() => activity.present !== activity);
  release();
  const found = await afterwards;
  expect(found).toEqual({ ...idsOnly, activityId: during.activityId, count: 7 });
  expect(found.activityId).not.toBe('');
}

@Injectable()
class UserGuard implements CanActivate {
  canActivate(context: ExecutionContext) {
    Object.assign(context.switchToHttp().getRequest<object>(), { user: { name: 'ann' } });
    return true;
  }
}

const definition = definitionOf('Work', 'start', 'guarded');

@RpcInterface(definition)
class WorkImpl {
  start() {
    return lookTwice();
  }
  @UseGuards(UserGuard)
  guarded() {
    return lookTwice();
  }
}

const flowing = Object.assign(definitionOf('Flowing', 'items'), {
  operations: { items: { stream: true } },
} as const);

@RpcInterface(flowing)
class FlowingImpl {
  async *items() {
    yield await lookTwice();
  }
}

/** Reads a stream to its end, as a client that sends credentials and a deadline. */
async function readItems(options: RpcClientOptions): Promise<unknown[]> {
  const client = createPageClient(options).client<any>(flowing).with({ timeoutMs: 60_000 });
  const items: unknown[] = [];
  for await (const item of client.items()) items.push(item);
  return items;
}

afterEach(async () => {
  await closeApps();
  await closeIpcApps();
});

describe.each(Object.entries(ways))('after the answer to a call over HTTP, by way of %s,', (name, way) => {
  const headers = { Authorization: 'Bearer t', 'X-Linnet-Timeout': '60000' };

  it('work of a method continues with the ids, without deadline and credentials', async () => {
    const { call } = await startApp({ way, providers: [WorkImpl] });
    expect((await call('Work.start', [], headers)).json).toBe('answered');
    expect(during).toMatchObject({
      accessToken: 'Bearer t',
      deadline: true,
      sentToken: 'Bearer t',
      count: 7,
    });
    expect(Number(during.sentTimeout)).toBeGreaterThan(0);
    await expectIdsOnly();
  });

  it('work of the producer of a stream continues with the ids only', async () => {
    const { port } = await startApp({ way, providers: [FlowingImpl] });
    const options = { uriPrefix: `http://127.0.0.1:${port}`, authorization: 'Bearer t' };
    expect(await readItems(options)).toEqual(['answered']);
    expect(during).toMatchObject({ accessToken: 'Bearer t', deadline: true, sentToken: 'Bearer t' });
    await expectIdsOnly();
  });

  it('the activity no longer has the user that a guard set', async () => {
    const { call } = await startApp({ way, providers: [WorkImpl] });
    await call('Work.guarded', [], headers);
    expect(during.user).toEqual({ name: 'ann' });
    await expectIdsOnly();
  });

  it('the activity no longer has the user that a middleware set', async () => {
    const { call } = await startApp({
      way,
      providers: [WorkImpl],
      configure: (app) => {
        if (name === 'Fastify')
          app
            .getHttpAdapter()
            .getInstance()
            .addHook('onRequest', async (request: object) => Object.assign(request, { user: 'bob' }));
        else
          app.use((request: object, _response: unknown, next: () => void) => {
            Object.assign(request, { user: 'bob' });
            next();
          });
      },
    });
    await call('Work.start', [], headers);
    expect(during.user).toBe('bob');
    await expectIdsOnly();
  });

  it.each(['middleware', 'interceptor'])(
    'work of a controller with the correlation %s continues with the ids only',
    async (by) => {
      @Controller('work')
      class WorkController {
        @UseGuards(UserGuard)
        @Get('start')
        start() {
          return lookTwice();
        }
      }
      if (by === 'interceptor') UseInterceptors(CorrelationInterceptor)(WorkController);
      @Module({ controllers: [WorkController] })
      class WorkModule {
        configure(consumer: MiddlewareConsumer) {
          if (by === 'middleware') consumer.apply(CorrelationMiddleware).forRoutes('*path');
        }
      }
      const { send } = await startApp({ way, imports: [WorkModule] });
      const { status } = await send({
        method: 'GET',
        target: '/work/start',
        headers: { Authorization: 'Bearer t' },
      });
      expect(status).toBe(200);
      expect(during.sentToken).toBe('Bearer t');
      // By the middleware of Fastify, guards have another request than it.
      if (!(by === 'middleware' && name === 'Fastify')) expect(during.user).toEqual({ name: 'ann' });
      await expectIdsOnly();
    },
  );
});

describe.each([
  ['compatible', true],
  ['durable', false],
])('after the answer to a call on the %s wire of IPC,', (_wire, compatible) => {
  @IpcChannel('work')
  class WorkHandler {
    start() {
      return lookTwice();
    }
  }

  @Injectable({ scope: Scope.REQUEST })
  @IpcChannel('made')
  class MadeHandler {
    constructor(readonly session: IpcSession) {
      void lookTwice();
    }
    hello() {
      return 'hello';
    }
  }

  const ended: (() => unknown)[] = [];
  let app: Awaited<ReturnType<typeof NestFactory.createApplicationContext>>;

  async function connect(providers: any[]): Promise<IpcFrontend> {
    @Module({ imports: [IpcModule.forRoot(), RpcModule.forRoot()], providers })
    class AppModule {}
    app = await NestFactory.createApplicationContext(AppModule, { logger: false });
    const identity = { user: 'ann', accessToken: 'Bearer s' };
    const frontend = new IpcFrontend(memoryIpc(app, { compatible, ...identity }), { reconnect: false });
    ended.push(
      () => frontend.close(),
      () => app.close(),
    );
    return frontend;
  }

  /** The frontend leaves, which ends what its calls began, but not what goes on behind them. */
  async function leave(frontend: IpcFrontend): Promise<void> {
    frontend.close();
    await until(() => app.get(IpcHost).sessions.length === 0);
  }

  beforeEach(() => {
    sent.length = 0;
  });
  afterEach(async () => {
    for (const end of ended.splice(0)) await end();
  });

  it('work of a handler continues with the ids only, also when the frontend has left', async () => {
    const frontend = await connect([WorkHandler]);
    expect(await frontend.callIpcChannel('work', 'start')).toBe('answered');
    expect(during).toMatchObject({ accessToken: 'Bearer s', user: 'ann', sentToken: 'Bearer s', count: 7 });
    await leave(frontend);
    await expectIdsOnly();
  });

  it('work of an RPC operation continues with the ids only', async () => {
    const frontend = await connect([WorkImpl]);
    const client = createPageClient({ transport: rpcOverIpc(frontend) }).client<any>(definition);
    expect(await client.with({ timeoutMs: 60_000 }).start()).toBe('answered');
    expect(during).toMatchObject({ accessToken: 'Bearer s', user: 'ann', count: 7 });
    await leave(frontend);
    await expectIdsOnly();
  });

  // The wire of iTwin.js has no streams.
  (compatible ? it.skip : it)('work of the producer of a stream continues with the ids only', async () => {
    const frontend = await connect([FlowingImpl]);
    expect(await readItems({ transport: rpcOverIpc(frontend) })).toEqual(['answered']);
    expect(during).toMatchObject({ accessToken: 'Bearer s', user: 'ann', deadline: true });
    await leave(frontend);
    await expectIdsOnly();
  });

  it('work of a listener continues with the ids only, when all listeners have finished', async () => {
    const frontend = await connect([]);
    const heard = new Promise<unknown>((resolve) =>
      app.get(IpcHost).addListener('news', () => resolve(lookTwice())),
    );
    frontend.send('news');
    await heard;
    await leave(frontend);
    await expectIdsOnly();
  });

  it('work that the constructor of a handler began continues without credentials', async () => {
    const frontend = await connect([MadeHandler]);
    expect(await frontend.callIpcChannel('made', 'hello')).toBe('hello');
    await leave(frontend);
    await until(() => activity.present !== activity);
    release();
    expect(await afterwards).toMatchObject({ ...idsOnly, count: 7 });
  });

  it('the owner of the request context is still the session of the call', async () => {
    let session: unknown;
    let go!: () => void;
    @IpcChannel('static')
    class StaticHandler {
      start() {
        const gate = new Promise<void>((resolve) => (go = resolve));
        session = gate.then(() => ClientRequestContext.current.owner);
      }
    }
    const frontend = await connect([StaticHandler]);
    await frontend.callIpcChannel('static', 'start');
    go();
    expect(await session).toBe(app.get(IpcHost).sessions[0]);
  });
});

describe('a call over IPC', () => {
  it('is aborted by the end of its session before its answer, and not after it', async () => {
    const signals: AbortSignal[] = [];
    let answer!: () => void;
    @IpcChannel('signals')
    class SignalsHandler {
      async quick() {
        signals.push(ClientRequestContext.current.signal);
      }
      async slow() {
        signals.push(ClientRequestContext.current.signal);
        await new Promise<void>((resolve) => (answer = resolve));
      }
    }
    const { connect, session } = await startIpcApp({ providers: [SignalsHandler] });
    const { ask, raw } = await connect();
    await ask('signals.quick');
    ask('signals.slow').catch(() => undefined);
    await until(() => signals.length === 2);
    const { closed } = await session();
    raw.terminate();
    await closed;
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, true]);
    answer();
  });
});

it('work that the authorization of an upgrade began continues with the ids only', async () => {
  const { connect } = await startIpcApp({
    ipc: {
      authorize: async () => {
        await lookTwice();
        return { user: 'ann' };
      },
    },
  });
  await connect({ headers: { Authorization: 'Bearer u' } });
  expect(during).toMatchObject({ accessToken: 'Bearer u', sentToken: 'Bearer u' });
  await expectIdsOnly();
});
