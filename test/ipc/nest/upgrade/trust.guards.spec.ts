import { setImmediate as nextTurn } from 'node:timers/promises';
import { ForbiddenException, Inject, Injectable, Module, Scope, UnauthorizedException } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { WsException } from '@nestjs/websockets';
import { ClientRequestContext, CurrentSession, IpcChannel, IpcTicketService } from '@linnet/backend';
import type { IpcModuleOptions, IpcSession } from '@linnet/backend';
import { EMPTY, of, throwError } from 'rxjs';
import { BareFrontend } from '../../wire/raw.frontend.socket.js';
import { adapters, closeIpcApps, ipcRefusal, startIpcApp } from '../../../harness/ipc.harness.js';
import { gate, settled } from '../../../harness/waiting.js';

@IpcChannel('who')
class WhoHandler {
  async am(@CurrentSession() { user }: IpcSession) {
    return user;
  }
}

@Injectable()
class Users {
  find(token: string | undefined) {
    return token === 'Bearer ann' ? { name: 'ann' } : undefined;
  }
}

type AnyRequest = { headers: Record<string, string>; url: string; user?: unknown };
const requestOf = (context: ExecutionContext) => context.switchToHttp().getRequest<AnyRequest>();

/** As applications have them for their controllers. */
@Injectable()
class AuthGuard implements CanActivate {
  constructor(private readonly users: Users) {}
  canActivate(context: ExecutionContext) {
    const request = requestOf(context);
    request.user = this.users.find(request.headers['authorization']);
    if (!request.user) throw new UnauthorizedException('Who are you?');
    return true;
  }
}

const ann = { headers: { Authorization: 'Bearer ann' } };

afterEach(closeIpcApps);

describe.each(Object.entries(adapters))('guards of the upgrade, on %s', (name, way) => {
  const start = (guards: IpcModuleOptions['guards'], providers: any[] = [], ipc: IpcModuleOptions = {}) =>
    startIpcApp({ way, ipc: { ...ipc, guards: guards! }, providers: [WhoHandler, ...providers] });

  it.each<[string, any[]]>([
    ['a provider', [AuthGuard, Users]],
    ['not a provider, and depends on one', []],
  ])('can be a class that is %s', async (what, providers) => {
    @Module({ providers: [Users], exports: [Users] })
    class UsersModule {}
    const guards = [AuthGuard];
    const app =
      what === 'a provider'
        ? await start(guards, providers)
        : await startIpcApp({
            way,
            ipc: { guards },
            providers: [WhoHandler],
            imports: [{ module: UsersModule, global: true }],
          });
    const { status, body } = await app.refused();
    expect([status, body]).toEqual([401, 'Who are you?\n']);
    expect(await (await app.connect(ann)).ask('who.am')).toEqual({ result: { name: 'ann' } });
  });

  it('can be request-scoped', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class ScopedGuard implements CanActivate {
      constructor(
        private readonly users: Users,
        @Inject(REQUEST) private readonly request: AnyRequest,
      ) {}
      canActivate(context: ExecutionContext) {
        const isSame = requestOf(context) === this.request;
        return isSame && this.users.find(this.request.headers['authorization']) !== undefined;
      }
    }
    const { refused, connect } = await start([ScopedGuard], [ScopedGuard, Users]);
    expect((await refused()).status).toBe(403);
    await connect(ann);
    expect((await refused()).status).toBe(403);
  });

  it('can be instances, which run one after the other', async () => {
    const asked: string[] = [];
    const guard = (name: string, verdict: unknown): CanActivate => ({
      canActivate: async () => {
        await nextTurn();
        asked.push(name);
        return verdict as boolean;
      },
    });
    const { refused } = await start([
      guard('a', true),
      guard('b', of(true)),
      guard('c', of(false)),
      guard('d', true),
    ]);
    const { status, body } = await refused();
    expect([status, body]).toEqual([403, 'Forbidden resource\n']);
    expect(asked).toEqual(['a', 'b', 'c']);
  });

  it('see a request with its context and with the user from authorize', async () => {
    const seen: unknown[] = [];
    const guard: CanActivate = {
      canActivate(context) {
        const { user, url } = requestOf(context);
        const { activityId } = ClientRequestContext.current;
        seen.push(context.getType(), user, url, activityId);
        return true;
      },
    };
    const { connect, app } = await start([guard], [], {
      authorize: (_request, ticket) => ({ user: `${String(ticket?.user)} authorized`, frontend: 'f1' }),
    });
    const ticket = await app.get(IpcTicketService).issue({ user: 'ann' });
    const path = `/ipc?ticket=${ticket}`;
    const { ask } = await connect({ path, headers: { 'X-Correlation-ID': 'a1' } });
    expect(seen).toEqual(['http', 'ann authorized', path, 'a1']);
    expect(await ask('who.am')).toEqual({ result: 'ann authorized' });
  });

  it.each<[string, unknown, number, string]>([
    ['an HttpException', new ForbiddenException('Not you.'), 403, 'Not you.'],
    ['an Error', new Error('no table users'), 500, 'Internal error'],
    ['a WsException', new WsException('inside'), 500, 'Internal error'],
  ])('refuse the upgrade if they throw %s', async (_what, error, status, reason) => {
    const guard: CanActivate = {
      canActivate: () => {
        throw error;
      },
    };
    const { refused, host } = await start([guard]);
    const { status: told, body } = await refused();
    expect([told, body]).toEqual([status, `${reason}\n`]);
    expect(host.sessions).toEqual([]);
  });

  it.each<[string, () => any]>([
    [
      'throw undefined',
      () => {
        throw undefined;
      },
    ],
    [
      'throw an empty text',
      () => {
        throw '';
      },
    ],
    ['reject without a reason', () => Promise.reject()],
    ['reject with null', () => Promise.reject(null)],
    ['return an Observable that fails with undefined', () => throwError(() => undefined)],
  ])('refuse every frontend if they %s', async (_how, canActivate) => {
    const { refused, host } = await start([{ canActivate }]);
    const { status, body } = await refused();
    expect([status, body]).toEqual([500, 'Internal error\n']);
    expect(host.sessions).toEqual([]);
  });

  it.each<[string, () => any]>([
    ['nothing', () => undefined],
    ['null', () => null],
    ['zero', () => 0],
    ['an empty text', () => ''],
    ['a promise of nothing', async () => undefined],
    ['an Observable without a value', () => EMPTY],
  ])('refuse every frontend if they return %s', async (_what, canActivate) => {
    const { refused, host } = await start([{ canActivate }]);
    expect((await refused()).status).toBe(403);
    expect(host.sessions).toEqual([]);
  });

  it('do not run if authorize has refused', async () => {
    let asked = 0;
    const { refused } = await start([{ canActivate: () => ++asked > 0 }], [], { authorize: () => false });
    expect((await refused()).status).toBe(403);
    expect(asked).toBe(0);
  });

  it.each(['at once', 'later'])('can write the answer and decide %s', async (when) => {
    const decision = gate();
    if (when === 'at once') decision.open();
    const guard: CanActivate = {
      async canActivate(context) {
        const response = context.switchToHttp().getResponse();
        if (name === 'Fastify') {
          response.statusCode = 418;
          response.setHeader('X-Own', 'yes');
          response.end('own answer');
        } else response.status(418).set('X-Own', 'yes').send('own answer');
        await decision.opened;
        return true;
      },
    };
    const { port, host } = await start([guard]);
    const bare = await BareFrontend.open(port);
    expect(bare.status).toBe(418);
    expect(bare.head).toContain('X-Own: yes');
    await settled();
    decision.open();
    await bare.closed;
    expect(bare.body).toBe('own answer');
    expect(host.sessions).toEqual([]);
  });

  it('are not waited for longer than upgradeMs', async () => {
    const { refused } = await start([{ canActivate: () => new Promise<boolean>(() => undefined) }], [], {
      limits: { upgradeMs: 30 },
    });
    expect((await refused()).status).toBe(503);
  });

  if (name !== 'Fastify') {
    it('see a request of Express', async () => {
      const seen: unknown[] = [];
      const guard: CanActivate = {
        canActivate(context) {
          const request = context.switchToHttp().getRequest();
          const response = context.switchToHttp().getResponse();
          seen.push(request.get('x-robot'), request.query.a, request.path, request.ip, request.hostname);
          seen.push(request.protocol, request.originalUrl, request.res === response, response.locals);
          return true;
        },
      };
      const { connect } = await start([guard]);
      await connect({ path: '/ipc?a=1', headers: { 'X-Robot': 'r7', Host: 'localhost:1' } });
      expect(seen.slice(0, 5)).toEqual(['r7', '1', '/ipc', '127.0.0.1', 'localhost']);
      expect(seen.slice(5, 8)).toEqual(['http', '/ipc?a=1', true]);
    });
  }
});

describe('an application does not start with a guard of the upgrade', () => {
  it('that depends on a missing provider', async () => {
    const message = await ipcRefusal({ ipc: { guards: [AuthGuard] } });
    expect(message).toContain('AuthGuard');
    expect(message).toContain('Users');
  });

  it('that has request scope and is not a provider', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class ScopedGuard implements CanActivate {
      canActivate() {
        return true;
      }
    }
    @Injectable()
    class DependingGuard extends ScopedGuard {
      constructor(@Inject(REQUEST) readonly request: unknown) {
        super();
      }
    }
    expect(await ipcRefusal({ ipc: { guards: [ScopedGuard] } })).toBe(
      'ScopedGuard: a request-scoped guard of the upgrade has to be a provider.',
    );
    expect(await ipcRefusal({ ipc: { guards: [DependingGuard] } })).toContain('DependingGuard');
  });
});
