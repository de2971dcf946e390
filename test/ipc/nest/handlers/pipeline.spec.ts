import {
  applyDecorators,
  Catch,
  HttpException,
  Injectable,
  SetMetadata,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common';
import type {
  ArgumentsHost,
  CallHandler,
  CanActivate,
  ExceptionFilter,
  ExecutionContext,
  NestInterceptor,
  PipeTransform,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE, Reflector } from '@nestjs/core';
import { CallContext, IpcChannel, IpcSession, RpcInterface } from '@linnet/backend';
import type { MessageRequest } from '@linnet/backend';
import { of, tap } from 'rxjs';
import { closeIpcApps, startIpcApp } from '../../../harness/ipc.harness.js';
import { until } from '../../../harness/waiting.js';
import { definitionOf } from '../../../harness/nest.harness.js';

let steps: string[] = [];

const guard = (name: string): CanActivate => ({
  canActivate: () => Boolean(steps.push(`guard ${name}`)),
});
const interceptor = (name: string): NestInterceptor => ({
  intercept(_context: ExecutionContext, next: CallHandler) {
    steps.push(`before ${name}`);
    return next.handle().pipe(tap(() => steps.push(`after ${name}`)));
  },
});
const pipe = (name: string): PipeTransform => ({
  transform(value: unknown) {
    steps.push(`pipe ${name}`);
    return value;
  },
});
const filter = (name: string, type: new (...args: never[]) => Error): ExceptionFilter => {
  @Catch(type)
  class Noting implements ExceptionFilter {
    catch(_error: unknown, host: ArgumentsHost) {
      steps.push(`filter ${name} ${host.getType()}`);
    }
  }
  return new Noting();
};
const everything = (name: string) =>
  applyDecorators(UseGuards(guard(name)), UseInterceptors(interceptor(name)), UsePipes(pipe(name)));

class ClassError extends Error {}
class MethodError extends Error {}
const Roles = Reflector.createDecorator<string[]>();

@IpcChannel('order')
@everything('class')
@UseFilters(filter('class', ClassError))
class OrderHandler {
  @everything('method')
  @SetMetadata('level', 'method')
  @Roles(['admin'])
  async whole(value: unknown) {
    steps.push('method');
    return value;
  }
  @UseFilters(filter('method', MethodError))
  async fail(where: string) {
    if (where === 'class') throw new ClassError('c');
    throw where === 'method' ? new MethodError('m') : new HttpException('h', 418);
  }
  @UseGuards({ canActivate: () => false })
  async forbidden() {
    steps.push('forbidden');
  }
}

const provided = [
  { provide: APP_GUARD, useValue: guard('provided') },
  { provide: APP_INTERCEPTOR, useValue: interceptor('provided') },
  { provide: APP_PIPE, useValue: pipe('provided') },
];

beforeEach(() => {
  steps = [];
});
afterEach(closeIpcApps);

describe('the enhancers of an IPC handler', () => {
  const start = () =>
    startIpcApp({
      providers: [OrderHandler, ...provided],
      configure: (app) => {
        app.useGlobalGuards(guard('global'));
        app.useGlobalInterceptors(interceptor('global'));
        app.useGlobalPipes(pipe('global'));
      },
    });

  it('run once each, in the order of Nest', async () => {
    const { connect } = await start();
    expect(await (await connect()).ask('order.whole', 7)).toEqual({ result: 7 });
    const order = ['provided', 'global', 'class', 'method'];
    expect(steps).toEqual([
      ...order.map((name) => `guard ${name}`),
      ...order.map((name) => `before ${name}`),
      ...order.map((name) => `pipe ${name}`),
      'method',
      ...order.toReversed().map((name) => `after ${name}`),
    ]);
  });

  it('do not run at the upgrade', async () => {
    const { connect } = await start();
    await connect();
    expect(steps).toEqual([]);
  });

  it('reject a call that a guard forbids, without calling the method', async () => {
    const { connect } = await start();
    expect(await (await connect()).fail('order.forbidden')).toMatchObject({
      message: 'Forbidden resource',
      name: 'ForbiddenException',
    });
    expect(steps).not.toContain('forbidden');
  });

  it.each(['class', 'method'])('pass an error to the filter of the %s once', async (where) => {
    const { connect } = await start();
    expect(await (await connect()).fail('order.fail', where)).toMatchObject({ message: 'Internal error' });
    expect(steps.filter((step) => step.startsWith('filter'))).toEqual([`filter ${where} ws`]);
  });

  it('do not include global exception filters', async () => {
    const seen: unknown[] = [];
    @Catch()
    class RequestFilter implements ExceptionFilter {
      catch(error: unknown) {
        seen.push(error);
      }
    }
    const { connect } = await startIpcApp({
      providers: [OrderHandler, { provide: APP_FILTER, useClass: RequestFilter }],
      configure: (app) => app.useGlobalFilters(new RequestFilter()),
    });
    const { fail } = await connect();
    expect((await fail('order.fail', 'class')).message).toBe('Internal error');
    expect((await fail('order.fail', 'http')).message).toBe('h');
    expect(seen).toEqual([]);
  });

  it('return the last value of an Observable, as a handler without enhancers does', async () => {
    @IpcChannel('observed')
    class ObservedHandler {
      plain() {
        return of(1, 2, 3);
      }
      @UseGuards(guard('observed'))
      guarded() {
        return of(1, 2, 3);
      }
    }
    const { connect } = await startIpcApp({ providers: [ObservedHandler] });
    const { ask } = await connect();
    expect(await ask('observed.plain')).toEqual({ result: 3 });
    expect(await ask('observed.guarded')).toEqual({ result: 3 });
  });

  it('see the method, its class, its metadata and the call', async () => {
    const seen: Record<string, unknown>[] = [];
    @Injectable()
    class Looking implements CanActivate {
      constructor(private readonly reflector: Reflector) {}
      canActivate(context: ExecutionContext) {
        const targets = [context.getHandler(), context.getClass()];
        const call = CallContext.from(context)!;
        const ws = context.switchToWs();
        seen.push({
          type: context.getType(),
          handler: context.getHandler(),
          class: context.getClass(),
          level: this.reflector.getAllAndOverride('level', targets),
          roles: this.reflector.get(Roles, context.getHandler()),
          client: ws.getClient<unknown>() === call.session && call.session instanceof IpcSession,
          data: ws.getData<unknown>(),
          pattern: ws.getPattern(),
          channel: call.channel,
          operation: call.operation,
          definition: call.definition,
          transport: call.transport,
          arguments: call.arguments,
          authorization: call.authorization,
          signal: call.signal === call.activity.signal,
        });
        return true;
      }
    }
    const { connect } = await startIpcApp({
      providers: [OrderHandler, { provide: APP_GUARD, useClass: Looking }],
    });
    const { ask } = await connect({ headers: { Authorization: 'Bearer x' } });
    await ask('order.whole', { a: 1 });
    expect(seen).toEqual([
      {
        type: 'ws',
        handler: OrderHandler.prototype.whole,
        class: OrderHandler,
        level: 'method',
        roles: ['admin'],
        client: true,
        data: [{ a: 1 }],
        pattern: 'order.whole',
        channel: 'order',
        operation: 'whole',
        definition: undefined,
        transport: undefined,
        arguments: [{ a: 1 }],
        authorization: 'Bearer x',
        signal: true,
      },
    ]);
  });

  it('see a signal of each call, which is aborted if the session ends during the call', async () => {
    const signals: AbortSignal[] = [];
    const looking: CanActivate = {
      canActivate: (context) => signals.push(CallContext.from(context)!.signal) > 0,
    };
    @IpcChannel('waiting')
    @UseGuards(looking)
    class WaitingHandler {
      async answer() {}
      wait() {
        return new Promise((resolve) => signals[1]!.addEventListener('abort', resolve));
      }
    }
    const { connect, session } = await startIpcApp({ providers: [WaitingHandler] });
    const { ask, raw } = await connect();
    const { signal: ofSession } = await session();
    await ask('waiting.answer');
    ask('waiting.wait').catch(() => undefined);
    await until(() => signals[1]);
    const [answered, running] = signals;
    expect(new Set([answered, running, ofSession]).size).toBe(3);
    const aborted = new Promise((resolve) => running!.addEventListener('abort', resolve));
    raw.terminate();
    await aborted;
    expect(running!.reason).toBe(ofSession.reason);
    expect(answered!.aborted).toBe(false);
  });

  it('see an RPC call over the same session as a call of type rpc', async () => {
    const definition = definitionOf('Looked', 'go');
    @RpcInterface(definition)
    class LookedImpl {
      async go() {
        return 1;
      }
    }
    const seen: unknown[] = [];
    const looking: CanActivate = {
      canActivate(context: ExecutionContext) {
        const { channel, operation, definition, transport, session } = CallContext.from(context)!;
        const { kind } = transport!;
        const data = context.switchToRpc().getData<unknown>();
        seen.push([context.getType(), channel, operation, definition!.interfaceName, kind, data]);
        const request = context.switchToRpc().getContext<MessageRequest>();
        return session instanceof IpcSession && session === request.ipcSession;
      },
    };
    const { connect } = await startIpcApp({
      rpc: {},
      providers: [LookedImpl],
      configure: (app) => app.useGlobalGuards(looking),
    });
    const request = {
      definition: { interfaceName: 'Looked', interfaceVersion: '1.0.0' },
      operation: 'go',
      parameters: [5],
      context: {},
    };
    const { ask } = await connect();
    expect(await ask('itwinjs-core/rpc-over-ipc.request', request)).toEqual({ result: 1 });
    expect(seen).toEqual([['rpc', undefined, 'go', 'Looked', 'ipc', [5]]]);
  });
});
