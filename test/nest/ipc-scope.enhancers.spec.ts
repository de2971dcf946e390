import { Catch, createParamDecorator, Inject, Injectable, Scope, UseFilters } from '@nestjs/common';
import type {
  CallHandler,
  CanActivate,
  ExceptionFilter,
  ExecutionContext,
  NestInterceptor,
  PipeTransform,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE, REQUEST } from '@nestjs/core';
import { IpcChannel, IpcSession, RpcInterface } from '@linnet/backend';
import { map } from 'rxjs';
import { closeIpcApps, startIpcApp } from './ipc.harness.js';
import { definitionOf } from './nest.harness.js';

@IpcChannel('plain')
class PlainHandler {
  async echo(value: unknown) {
    return value;
  }
  async fail() {
    throw new Error('failed');
  }
}

afterEach(closeIpcApps);

describe('request-scoped enhancers live as long as the session', () => {
  let made = 0;

  @Injectable({ scope: Scope.REQUEST })
  class PerSession {
    readonly id = ++made;
    constructor(@Inject(REQUEST) readonly session: IpcSession) {}
  }

  beforeEach(() => {
    made = 0;
  });

  const start = (...providers: any[]) =>
    startIpcApp({
      providers: [PlainHandler, PerSession, ...providers],
      ipc: { authorize: (request) => ({ user: request.headers['x-user'] }) },
    });
  const as = (user: string) => ({ headers: { 'X-User': user } });

  it('as APP_GUARD', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Guard implements CanActivate {
      constructor(private readonly perSession: PerSession) {}
      canActivate(context: ExecutionContext) {
        return context.getClass() === PlainHandler && this.perSession.session.user === 'yes';
      }
    }
    const { connect } = await start({ provide: APP_GUARD, useClass: Guard });
    const yes = await connect(as('yes'));
    const no = await connect(as('no'));
    expect(await yes.ask('plain.echo', 1)).toEqual({ result: 1 });
    expect((await no.fail('plain.echo', 1)).message).toBe('Forbidden resource');
    expect(await yes.ask('plain.echo', 2)).toEqual({ result: 2 });
    expect(made).toBe(2);
  });

  it('as APP_PIPE', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Pipe implements PipeTransform {
      constructor(private readonly perSession: PerSession) {}
      transform(value: unknown) {
        return `${String(value)} for ${String(this.perSession.session.user)}`;
      }
    }
    const { connect } = await start({ provide: APP_PIPE, useClass: Pipe });
    expect(await (await connect(as('a'))).ask('plain.echo', 'robot')).toEqual({ result: 'robot for a' });
  });

  it('as APP_INTERCEPTOR', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Interceptor implements NestInterceptor {
      constructor(private readonly perSession: PerSession) {}
      intercept(_context: ExecutionContext, next: CallHandler) {
        return next.handle().pipe(map((value) => [value, this.perSession.id]));
      }
    }
    const { connect } = await start({ provide: APP_INTERCEPTOR, useClass: Interceptor });
    const first = await connect();
    expect(await first.ask('plain.echo', 'robot')).toEqual({ result: ['robot', 1] });
    expect(await first.ask('plain.echo', 'robot')).toEqual({ result: ['robot', 1] });
    expect(await (await connect()).ask('plain.echo', 'robot')).toEqual({ result: ['robot', 2] });
  });

  it('as a bound filter, and not as APP_FILTER', async () => {
    const seen: string[] = [];
    @Catch()
    @Injectable({ scope: Scope.REQUEST })
    class Filter implements ExceptionFilter {
      constructor(private readonly perSession: PerSession) {}
      catch(error: Error) {
        seen.push(`${error.message} ${this.perSession.id}`);
      }
    }
    @IpcChannel('bound')
    @UseFilters(Filter)
    class BoundHandler extends PlainHandler {}
    const { connect } = await start(BoundHandler, { provide: APP_FILTER, useClass: Filter });
    const { fail } = await connect();
    for (const channel of ['bound', 'plain', 'bound'])
      expect((await fail(`${channel}.fail`)).message).toBe('failed');
    expect(seen).toEqual(['failed 1', 'failed 1']);
  });

  it('beside a decorated parameter', async () => {
    const Session = createParamDecorator(
      (_data: unknown, context: ExecutionContext) => context.switchToWs().getClient<IpcSession>().user,
    );
    @IpcChannel('decorated')
    class DecoratedHandler {
      constructor(readonly perSession: PerSession) {}
      async both(@Session() user: unknown) {
        return [user, this.perSession.session.user];
      }
    }
    const { connect } = await start(DecoratedHandler);
    expect(await (await connect(as('a'))).ask('decorated.both')).toEqual({ result: ['a', 'a'] });
  });

  it('but as long as the call, for RPC', async () => {
    @RpcInterface(definitionOf('Scoped', 'go'))
    class ScopedImpl {
      async go() {
        return made;
      }
    }
    @Injectable({ scope: Scope.REQUEST })
    class Guard implements CanActivate {
      constructor(
        readonly perCall: PerSession,
        @Inject(REQUEST) private readonly call: object,
        private readonly session: IpcSession,
      ) {}
      canActivate(context: ExecutionContext) {
        const isCall = 'transport' in this.call && !(this.call instanceof IpcSession);
        return isCall && this.session.user === 'yes' && context.getType() === 'rpc';
      }
    }
    const { connect } = await startIpcApp({
      rpc: {},
      providers: [ScopedImpl, PerSession, { provide: APP_GUARD, useClass: Guard }],
      ipc: { authorize: (request) => ({ user: request.headers['x-user'] }) },
    });
    const request = {
      definition: { interfaceName: 'Scoped', interfaceVersion: '1.0.0' },
      operation: 'go',
      parameters: [],
      context: {},
    };
    const { ask } = await connect(as('yes'));
    for (const result of [1, 2])
      expect(await ask('itwinjs-core/rpc-over-ipc.request', request)).toEqual({ result });
    const refused = await (await connect(as('no'))).fail('itwinjs-core/rpc-over-ipc.request', request);
    expect(refused.message).toBe('Forbidden resource');
  });
});
