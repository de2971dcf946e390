import {
  Catch,
  createParamDecorator,
  Inject,
  Injectable,
  Scope,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
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
import type { MessageRequest } from '@linnet/backend';
import { map } from 'rxjs';
import { closeIpcApps, startIpcApp } from '../../../harness/ipc.harness.js';
import { definitionOf } from '../../../harness/nest.harness.js';

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

describe('a request-scoped enhancer of IPC', () => {
  let made = 0;

  @Injectable({ scope: Scope.REQUEST })
  class PerCall {
    readonly id = ++made;
    constructor(@Inject(REQUEST) readonly request: MessageRequest) {}
  }

  beforeEach(() => {
    made = 0;
  });

  const start = (...providers: any[]) =>
    startIpcApp({
      providers: [PlainHandler, PerCall, ...providers],
      ipc: { authorize: (request) => ({ user: request.headers['x-user'] }) },
    });
  const as = (user: string) => ({ headers: { 'X-User': user } });

  it('is made for each call as APP_GUARD', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Guard implements CanActivate {
      constructor(private readonly perCall: PerCall) {}
      canActivate(context: ExecutionContext) {
        return context.getClass() === PlainHandler && this.perCall.request.user === 'yes';
      }
    }
    const { connect } = await start({ provide: APP_GUARD, useClass: Guard });
    const yes = await connect(as('yes'));
    const no = await connect(as('no'));
    expect(await yes.ask('plain.echo', 1)).toEqual({ result: 1 });
    expect((await no.fail('plain.echo', 1)).message).toBe('Forbidden resource');
    expect(await yes.ask('plain.echo', 2)).toEqual({ result: 2 });
    expect(made).toBe(3);
  });

  it('is made for each call as APP_PIPE', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Pipe implements PipeTransform {
      constructor(private readonly perCall: PerCall) {}
      transform(value: unknown) {
        return `${String(value)} for ${String(this.perCall.request.user)}`;
      }
    }
    const { connect } = await start({ provide: APP_PIPE, useClass: Pipe });
    expect(await (await connect(as('a'))).ask('plain.echo', 'robot')).toEqual({ result: 'robot for a' });
  });

  it('is made for each call as APP_INTERCEPTOR', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Interceptor implements NestInterceptor {
      constructor(private readonly perCall: PerCall) {}
      intercept(_context: ExecutionContext, next: CallHandler) {
        return next.handle().pipe(map((value) => [value, this.perCall.id]));
      }
    }
    const { connect } = await start({ provide: APP_INTERCEPTOR, useClass: Interceptor });
    const first = await connect();
    expect(await first.ask('plain.echo', 'robot')).toEqual({ result: ['robot', 1] });
    expect(await first.ask('plain.echo', 'robot')).toEqual({ result: ['robot', 2] });
    expect(await (await connect()).ask('plain.echo', 'robot')).toEqual({ result: ['robot', 3] });
  });

  it('is made for each call as a bound filter, and does not run as APP_FILTER', async () => {
    const seen: string[] = [];
    @Catch()
    @Injectable({ scope: Scope.REQUEST })
    class Filter implements ExceptionFilter {
      constructor(private readonly perCall: PerCall) {}
      catch(error: Error) {
        seen.push(`${error.message} ${this.perCall.id}`);
      }
    }
    @IpcChannel('bound')
    @UseFilters(Filter)
    class BoundHandler extends PlainHandler {}
    const { connect } = await start(BoundHandler, { provide: APP_FILTER, useClass: Filter });
    const { fail } = await connect();
    for (const channel of ['bound', 'plain', 'bound'])
      expect((await fail(`${channel}.fail`)).message).toBe('failed');
    // The global one is made for its call, and not asked.
    expect(seen).toEqual(['failed 1', 'failed 3']);
  });

  it('works beside a decorated parameter', async () => {
    const Session = createParamDecorator(
      (_data: unknown, context: ExecutionContext) => context.switchToWs().getClient<IpcSession>().user,
    );
    @IpcChannel('decorated')
    class DecoratedHandler {
      constructor(readonly perCall: PerCall) {}
      async both(@Session() user: unknown) {
        return [user, this.perCall.request.user];
      }
    }
    const { connect } = await start(DecoratedHandler);
    expect(await (await connect(as('a'))).ask('decorated.both')).toEqual({ result: ['a', 'a'] });
  });

  it('passes its own failure to the filters of a session-scoped handler', async () => {
    const seen: string[] = [];
    @Injectable({ scope: Scope.REQUEST })
    class Guard implements CanActivate {
      constructor(_perCall: PerCall) {
        throw new Error('The guard cannot be made.');
      }
      canActivate() {
        return true;
      }
    }
    @Catch()
    class Filter implements ExceptionFilter {
      catch(error: Error) {
        seen.push(error.message);
      }
    }
    @IpcChannel('mine')
    @UseGuards(Guard)
    @UseFilters(Filter)
    class MyHandler {
      constructor(readonly session: IpcSession) {}
      async echo(value: unknown) {
        return value;
      }
    }
    const { connect } = await start(MyHandler);
    const error = await (await connect()).fail('mine.echo', 1);
    expect(error.message).toBe('The guard cannot be made.');
    expect(seen).toEqual(['The guard cannot be made.']);
  });

  it('is made for each call of RPC over IPC, and can inject the session', async () => {
    @RpcInterface(definitionOf('Scoped', 'go'))
    class ScopedImpl {
      async go() {
        return made;
      }
    }
    @Injectable({ scope: Scope.REQUEST })
    class Guard implements CanActivate {
      constructor(
        readonly perCall: PerCall,
        @Inject(REQUEST) private readonly request: MessageRequest,
        private readonly session: IpcSession,
      ) {}
      canActivate(context: ExecutionContext) {
        const isSame = this.request.ipcSession === this.session && this.request === this.perCall.request;
        return isSame && this.session.user === 'yes' && context.getType() === 'rpc';
      }
    }
    const { connect } = await startIpcApp({
      rpc: {},
      providers: [ScopedImpl, PerCall, { provide: APP_GUARD, useClass: Guard }],
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
