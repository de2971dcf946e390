import {
  createParamDecorator,
  Inject,
  Injectable,
  Req,
  Scope,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import type { CallHandler, CanActivate, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { NestExpressApplication } from '@nestjs/platform-express';
import {
  CallContext,
  CurrentActivity,
  IpcChannel,
  MessageRequest,
  IpcSession,
  RpcInterface,
} from '@linnet/backend';
import type { Activity } from '@linnet/backend';
import { IpcFrontend, webSocketIpc } from '@linnet/frontend';
import { FaultProxy } from '../../client/fault.proxy.js';
import { adapters, closeIpcApps, startIpcApp } from '../../../harness/ipc.harness.js';
import { until } from '../../../harness/waiting.js';
import type { IpcAppSetup, TestFrontend } from '../../../harness/ipc.harness.js';
import {
  CacheInterceptor,
  clsGuard,
  clsStoreOf,
  finishInterceptor,
  JwtGuard,
  Repository,
  throttlerGuard,
  TransactionInterceptor,
} from '../../../harness/library.stand-ins.js';
import { definitionOf } from '../../../harness/nest.harness.js';

const seen: unknown[] = [];
const finished: string[] = [];
const look = (context: ExecutionContext) => {
  const http = context.switchToHttp().getRequest<MessageRequest>();
  seen.push(http, context.getArgByIndex(0));
  return http;
};
const looking: CanActivate = { canActivate: (context) => look(context) instanceof MessageRequest };
const watching: NestInterceptor = {
  intercept(context: ExecutionContext, next: CallHandler) {
    look(context);
    return next.handle();
  },
};
const Looked = createParamDecorator((_data: unknown, context: ExecutionContext) => look(context));
const Store = createParamDecorator((_data: unknown, context: ExecutionContext) => clsStoreOf(context));

let release: () => void = () => undefined;
let isWaiting = false;
const gate: CanActivate = {
  canActivate: (context) =>
    CallContext.from(context)!.arguments[0] !== 'wait' ||
    new Promise((resolve) => {
      release = () => resolve(true);
      isWaiting = true;
    }),
};
const throttler = throttlerGuard(2);

/** The same methods as a handler of IPC and as an implementation of RPC. */
@Injectable()
class Methods {
  @UseGuards(looking)
  @UseInterceptors(watching)
  async same(@Req() request: unknown, @Looked() looked: unknown) {
    seen.push(request, looked);
    return new Set(seen).size;
  }
  @UseGuards(JwtGuard)
  async me(@CurrentActivity() activity: Activity, @Req() request: any) {
    return [activity.user, request.user === activity.user, request.isAuthenticated()];
  }
  async who(@CurrentActivity() activity: Activity) {
    return activity.user ?? null;
  }
  @UseGuards(throttler)
  async often() {
    return 'served';
  }
  @UseGuards(clsGuard, gate, clsGuard)
  async store(_gate: string, @Store() store: unknown) {
    return store;
  }
  @UseInterceptors(CacheInterceptor, finishInterceptor(finished))
  async measured(fails = false) {
    if (fails) throw new Error('failed');
    return 'measured';
  }
  @UseGuards({
    canActivate(context: ExecutionContext) {
      const request = context.switchToHttp().getRequest();
      Object.assign(request.headers, { 'x-robot': 'changed' });
      Object.assign(request, { url: '/elsewhere', body: [], ip: '1.2.3.4' });
      return true;
    },
  })
  async changes(@CurrentActivity() _activity?: Activity) {
    return 'changed';
  }
}

const definition = definitionOf('Robots', ...Object.getOwnPropertyNames(Methods.prototype).slice(1));
@IpcChannel('robots')
class RobotsHandler extends Methods {}
@RpcInterface(definition)
class RobotsImpl extends Methods {}

@Injectable({ scope: Scope.REQUEST })
class Audit {
  constructor(@Inject(REQUEST) readonly request: unknown) {}
}
@Injectable()
class Scoped {
  constructor(
    private readonly repository: Repository,
    private readonly audit: Audit,
  ) {}
  @UseGuards(looking)
  @UseInterceptors(TransactionInterceptor)
  async transaction(@Req() request: unknown) {
    seen.push(request, this.audit.request, this.repository.request);
    return [new Set(seen).size, this.repository.manager];
  }
}
@IpcChannel('scoped')
class ScopedHandler extends Scoped {}
@RpcInterface(definitionOf('Scoped', 'transaction'))
class ScopedImpl extends Scoped {}

const start = (setup: IpcAppSetup = {}) =>
  startIpcApp({
    rpc: {},
    providers: [RobotsHandler, RobotsImpl, ScopedHandler, ScopedImpl, Repository, Audit],
    ...setup,
  });

type Ask = (method: string, ...args: unknown[]) => Promise<any>;
/** Both ways of a call over IPC. */
const both: Record<string, (frontend: TestFrontend, target?: string) => Ask> = {
  'an IPC handler':
    ({ ask }, target = 'robots') =>
    (method, ...args) =>
      ask(`${target}.${method}`, ...args),
  'RPC over IPC':
    ({ ask }, target = 'Robots') =>
    (operation, ...parameters) => {
      const interfaceName = target[0]!.toUpperCase() + target.slice(1);
      const asked = { definition: { interfaceName, interfaceVersion: '1.0.0' }, operation, parameters };
      return ask('itwinjs-core/rpc-over-ipc.request', { ...asked, context: { protocolVersion: '2' } });
    },
};

const cleanups: (() => unknown)[] = [];
beforeEach(() => {
  seen.length = 0;
  finished.length = 0;
  isWaiting = false;
  throttler.hits.clear();
});
afterEach(async () => {
  for (const clean of cleanups.splice(0)) clean();
  await closeIpcApps();
});

describe.each(Object.keys(both))('the request of a call of %s', (name) => {
  const way = both[name]!;
  const url = name === 'RPC over IPC' ? '/Robots-1.0.0-' : '/robots/';

  it('is the same object in guards, interceptors, decorators and parameters', async () => {
    const { connect } = await start();
    const ask = way(await connect());
    expect(await ask('same')).toEqual({ result: 1 });
    expect(seen).toHaveLength(8);
    expect(await ask('same')).toEqual({ result: 2 });
  });

  it('is the REQUEST of request-scoped providers, so that a transaction covers the call', async () => {
    const { connect } = await start();
    const ask = way(await connect(), 'scoped');
    const [first, second] = [await ask('transaction'), await ask('transaction')];
    expect(first.result[0]).toBe(1);
    expect(second.result[0]).toBe(2);
    expect(first.result[1]).toMatch(/^transaction \d+$/);
    expect(second.result[1]).not.toBe(first.result[1]);
  });

  it('has the user that passport sets, while the activity and the session keep their own user', async () => {
    const { connect, session } = await start({ ipc: { authorize: () => ({ user: 'ann' }) } });
    const ask = way(await connect({ headers: { Authorization: 'Bearer bob' } }));
    const bob = { name: 'bob', roles: ['driver'] };
    expect(await ask('me')).toEqual({ result: [bob, true, true] });
    expect(await ask('who')).toEqual({ result: 'ann' });
    const open = await session();
    expect(Object.keys(open).filter((key) => /log|auth|user/i.test(key))).toEqual([]);
    expect(open.user).toBe('ann');
  });

  it('has the credentials of the session if no header had them', async () => {
    const { connect } = await start({ ipc: { authorize: () => ({ accessToken: 'Bearer carl' }) } });
    const ask = way(await connect());
    expect((await ask('me')).result[0]).toEqual({ name: 'carl', roles: ['driver'] });
  });

  it('keeps changes to it from other calls and from the session', async () => {
    const { connect, session } = await start();
    const ask = way(await connect({ headers: { 'X-Robot': 'r7' } }));
    expect(await ask('changes')).toEqual({ result: 'changed' });
    expect((await session()).headers['x-robot']).toBe('r7');
    await ask('same');
    expect(seen[0]).toMatchObject({ method: 'POST', url: `${url}same`, ip: '127.0.0.1' });
    expect((seen[0] as MessageRequest).get('X-Robot')).toBe('r7');
  });

  it('separates the stores of calls that run at the same time', async () => {
    const { connect } = await start();
    const ask = way(await connect());
    const waits = ask('store', 'wait');
    await until(() => isWaiting);
    expect(await ask('store', 'go')).toEqual({ result: { visits: 2 } });
    release();
    expect(await waits).toEqual({ result: { visits: 2 } });
  });

  it('has the address by which a throttler counts, as over HTTP', async () => {
    const { connect } = await start();
    const local = (localAddress: string) => connect({ localAddress });
    const [first, second] = [way(await local('127.0.0.1')), way(await local('127.0.0.2'))];
    for (const ask of [first, second, first, second])
      expect(await ask('often')).toEqual({ result: 'served' });
    for (const ask of [first, second]) expect(await ask('often')).toHaveProperty('error');
    expect([...throttler.hits.keys()].map((key) => key.split('-').at(-1))).toEqual([
      '127.0.0.1',
      '127.0.0.2',
    ]);
  });

  it.each(Object.keys(adapters))(
    'has a response on which libraries can set headers and listen for the finish, on %s',
    async (adapter) => {
      const { connect } = await start({ way: adapters[adapter]! });
      const ask = way(await connect());
      expect(await ask('measured')).toEqual({ result: 'measured' });
      expect(await ask('measured', true)).toEqual({ error: { message: 'failed' } });
      expect(finished).toEqual([`POST ${url}measured 200`, `POST ${url}measured 500`]);
    },
  );
});

describe('the address of a session', () => {
  const proxied = { headers: { 'X-Forwarded-For': '10.9.8.7' } };

  it('is the address of the connection if no proxy is trusted, whatever a header contains', async () => {
    for (const way of Object.values(adapters)) {
      const { connect, session, close } = await start({ way });
      await connect(proxied);
      expect((await session()).ip).toBe('127.0.0.1');
      await close();
    }
  });

  it('is the address that a proxy names if Express trusts the proxy', async () => {
    const { connect, session } = await start({
      configure: (app) => (app as NestExpressApplication).set('trust proxy', 'loopback'),
    });
    await connect(proxied);
    expect((await session()).ip).toBe('10.9.8.7');
  });

  it('is the address that a proxy names if Fastify trusts the proxy', async () => {
    const way = { adapter: () => new FastifyAdapter({ trustProxy: '127.0.0.1' }) };
    const { connect, session } = await start({ way });
    await connect(proxied);
    expect((await session()).ip).toBe('10.9.8.7');
  });
});

it('a session is resumed as its own user after passport has authenticated its calls', async () => {
  const app = await start({
    ipc: { authorize: () => ({ user: { name: 'ann' }, accessToken: 'Bearer bob' }) },
  });
  const proxy = await new FaultProxy(app.port).listen();
  cleanups.push(() => proxy.close());
  const frontend = new IpcFrontend(webSocketIpc(`ws://127.0.0.1:${proxy.port}/ipc`), {
    reconnectMs: [5, 20],
  });
  cleanups.push(() => frontend.close());
  await frontend.ready;
  const robots = frontend.makeIpcProxy<any>('robots') as any;
  const states: string[] = [];
  frontend.onStateChange((state) => states.push(state));
  expect((await robots.me())[0]).toEqual({ name: 'bob', roles: ['driver'] });
  const { id } = await app.session();
  proxy.cut();
  await until(() => states.at(-1) === 'open');
  expect(states).toEqual(['interrupted', 'open']);
  expect(await robots.who()).toEqual({ name: 'ann' });
  expect(app.host.sessions.map((session) => session.id)).toEqual([id]);
});

it('the user of a session cannot be set', async () => {
  const { connect, session } = await start();
  await connect();
  const open: { user: unknown } = await session();
  expect(() => (open.user = 'eve')).toThrow('user');
  expect(open).toBeInstanceOf(IpcSession);
});
