import {
  applyDecorators,
  Catch,
  Controller,
  Get,
  HttpException,
  Injectable,
  SetMetadata,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common';
import type {
  CallHandler,
  CanActivate,
  ExceptionFilter,
  ExecutionContext,
  NestInterceptor,
  PipeTransform,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE, Reflector } from '@nestjs/core';
import { CallContext, RpcInterface } from '@linnet/backend';
import { of, tap } from 'rxjs';
import { closeApps, definitionOf, startApp, ways } from '../../../harness/nest.harness.js';

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

/** Passes an error on to nobody, but says that it was there. */
const filter = (name: string, type: new (...args: never[]) => Error): ExceptionFilter => {
  @Catch(type)
  class Noting implements ExceptionFilter {
    catch() {
      steps.push(`filter ${name}`);
    }
  }
  return new Noting();
};

const everything = (name: string) =>
  applyDecorators(UseGuards(guard(name)), UseInterceptors(interceptor(name)), UsePipes(pipe(name)));

class GlobalError extends Error {}
class ClassError extends Error {}
class MethodError extends Error {}

const Roles = Reflector.createDecorator<string[]>();

@RpcInterface(definitionOf('Order', 'whole', 'fail', 'forbidden'))
@everything('class')
@UseFilters(filter('class', ClassError))
class OrderImpl {
  @everything('method')
  @SetMetadata('level', 'method')
  @Roles(['admin'])
  async whole(value: unknown) {
    steps.push('method');
    return value;
  }

  @UseFilters(filter('method', MethodError))
  async fail(where: string) {
    if (where === 'global') throw new GlobalError('g');
    if (where === 'class') throw new ClassError('c');
    throw where === 'method' ? new MethodError('m') : new HttpException('h', 418);
  }

  @UseGuards({ canActivate: () => false })
  async forbidden() {
    steps.push('forbidden');
  }
}

@Controller('plain')
class PlainController {
  @everything('method')
  @Get()
  get() {
    steps.push('method');
  }
}

@Catch(GlobalError)
class ProvidedFilter implements ExceptionFilter {
  catch() {
    steps.push('filter global');
  }
}

const provided = [
  { provide: APP_GUARD, useValue: guard('provided') },
  { provide: APP_INTERCEPTOR, useValue: interceptor('provided') },
  { provide: APP_PIPE, useValue: pipe('provided') },
  { provide: APP_FILTER, useClass: ProvidedFilter },
];

beforeEach(() => {
  steps = [];
});
afterEach(closeApps);

describe.each(Object.entries(ways))('enhancers, by way of %s,', (_name, way) => {
  const start = () =>
    startApp({
      way,
      providers: [OrderImpl, ...provided],
      controllers: [PlainController],
      configure: (app) => {
        app.useGlobalGuards(guard('global'));
        app.useGlobalInterceptors(interceptor('global'));
        app.useGlobalPipes(pipe('global'));
      },
    });

  it('run once each, in the order of Nest', async () => {
    const { call } = await start();
    const reply = await call('Order.whole', [7]);
    expect(reply.text).toBe('7');
    const order = ['provided', 'global', 'class', 'method'];
    expect(steps).toEqual([
      ...order.map((name) => `guard ${name}`),
      ...order.map((name) => `before ${name}`),
      ...order.map((name) => `pipe ${name}`),
      'method',
      ...order.toReversed().map((name) => `after ${name}`),
    ]);
  });

  it('run in the same order as around a controller', async () => {
    const { call, send } = await start();
    await send({ method: 'GET', target: '/plain' });
    const controller = steps;
    steps = [];
    await call('Order.whole', []);
    const relevant = steps.filter((step) => !step.includes('class') && !step.startsWith('pipe'));
    expect(relevant).toEqual(controller);
  });

  it('answer 403 without a call of the method if a guard refuses', async () => {
    const { call } = await start();
    const reply = await call('Order.forbidden');
    expect(reply.status).toBe(403);
    expect(reply.json).toMatchObject({ message: 'Forbidden resource', name: 'ForbiddenException' });
    expect(steps).not.toContain('forbidden');
  });

  it.each(['global', 'class', 'method'])('pass an error once to the %s filter', async (where) => {
    const { call } = await start();
    const reply = await call('Order.fail', [where]);
    expect(steps.filter((step) => step.startsWith('filter'))).toEqual([`filter ${where}`]);
    // The filter has written nothing, so the error is the answer; a class of one's own stays inside.
    expect(reply.status).toBe(500);
    expect(reply.json).toMatchObject({ message: 'Internal error', activityId: 'activity-1' });
  });

  it('pass an error to no filter if none catches it', async () => {
    const { call } = await start();
    const reply = await call('Order.fail', ['http']);
    expect(reply.status).toBe(418);
    expect(steps.filter((step) => step.startsWith('filter'))).toEqual([]);
  });

  it('do not change that the last value of an Observable is the result', async () => {
    @RpcInterface(definitionOf('Observed', 'plain', 'guarded'))
    class ObservedImpl {
      plain() {
        return of(1, 2, 3);
      }
      @UseGuards(guard('observed'))
      guarded() {
        return of(1, 2, 3);
      }
    }
    const { call } = await startApp({ way, providers: [ObservedImpl] });
    expect((await call('Observed.plain')).text).toBe('3');
    expect((await call('Observed.guarded')).text).toBe('3');
  });

  it('show guards the method, its class, its metadata and the call', async () => {
    const seen: Record<string, unknown>[] = [];
    @Injectable()
    class Looking implements CanActivate {
      constructor(private readonly reflector: Reflector) {}
      canActivate(context: ExecutionContext) {
        const targets = [context.getHandler(), context.getClass()];
        const call = CallContext.from(context)!;
        seen.push({
          type: context.getType(),
          handler: context.getHandler(),
          class: context.getClass(),
          level: this.reflector.getAllAndOverride('level', targets),
          roles: this.reflector.get(Roles, context.getHandler()),
          url: context.switchToHttp().getRequest<{ url: string }>().url,
          operation: call.operation,
          interface: call.definition!.interfaceName,
          arguments: call.arguments,
          authorization: call.authorization,
          kind: call.transport!.kind,
        });
        return true;
      }
    }
    const { call } = await startApp({
      way,
      providers: [OrderImpl, { provide: APP_GUARD, useClass: Looking }],
    });
    await call('Order.whole', [{ a: 1 }], { Authorization: 'Bearer x' });
    expect(seen).toEqual([
      {
        type: 'http',
        handler: OrderImpl.prototype.whole,
        class: OrderImpl,
        level: 'method',
        roles: ['admin'],
        url: '/Order-1.0.0-whole',
        operation: 'whole',
        interface: 'Order',
        arguments: [{ a: 1 }],
        authorization: 'Bearer x',
        kind: 'http',
      },
    ]);
  });
});
