import {
  Body,
  Catch,
  ForbiddenException,
  Injectable,
  ParseIntPipe,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common';
import type {
  ArgumentsHost,
  CallHandler,
  CanActivate,
  ExecutionContext,
  PipeTransform,
} from '@nestjs/common';
import { map } from 'rxjs';
import { RpcInterface } from '@linnet/backend';
import { closeApps, definitionOf, refusal, startApp } from '../../../harness/nest.harness.js';

const definition = definitionOf('Bound', 'one');

@Injectable()
class Deny implements CanActivate {
  canActivate() {
    return false;
  }
}
@Injectable()
class Allow implements CanActivate {
  canActivate() {
    return true;
  }
}
@Injectable()
class Double implements PipeTransform {
  transform(value: number) {
    return value * 2;
  }
}
@Injectable()
class Wrap {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(map((value: unknown) => ({ wrapped: value })));
  }
}
@Catch(ForbiddenException)
class Answer {
  catch(_error: unknown, host: ArgumentsHost) {
    host.switchToHttp().getResponse().status(418).send({ filtered: true });
  }
}

afterEach(closeApps);

/** Implementations with an enhancer that is bound as a class, each at another place. */
function implementations(): Record<string, new () => { one(value: number): unknown }> {
  class Plain {
    one(value: number): unknown {
      return value;
    }
  }
  @RpcInterface(definition)
  @UseGuards(Deny)
  class GuardedClass extends Plain {}
  @RpcInterface(definition)
  class GuardedMethod {
    @UseGuards(Deny)
    one(): unknown {
      return 'leaked';
    }
  }
  @RpcInterface(definition)
  @UsePipes(Double)
  class PipedClass extends Plain {}
  @RpcInterface(definition)
  class PipedMethod {
    @UsePipes(Double)
    one(value: number): unknown {
      return value;
    }
  }
  @RpcInterface(definition)
  class PipedParameter {
    one(@Body(ParseIntPipe) value: number): unknown {
      return value;
    }
  }
  @RpcInterface(definition)
  @UseInterceptors(Wrap)
  class InterceptedClass extends Plain {}
  @RpcInterface(definition)
  class InterceptedMethod {
    @UseInterceptors(Wrap)
    one(): unknown {
      return 1;
    }
  }
  @RpcInterface(definition)
  @UseFilters(Answer)
  class FilteredClass extends Plain {}
  @RpcInterface(definition)
  class FilteredMethod {
    @UseFilters(Answer)
    one(): unknown {
      throw new ForbiddenException();
    }
  }
  const all = { GuardedClass, GuardedMethod, PipedClass, PipedMethod, PipedParameter };
  return { ...all, InterceptedClass, InterceptedMethod, FilteredClass, FilteredMethod };
}

describe.each(Object.entries(implementations()))(
  'an enhancer that is bound as a class, on %s,',
  (name, Impl) => {
    it('works if Nest creates the instance', async () => {
      const { call } = await startApp({ providers: [Impl] });
      const { status, text } = await call('Bound.one', [5]);
      const expected: Record<string, [number, string]> = {
        Guarded: [403, 'Forbidden resource'],
        PipedC: [200, '10'],
        PipedM: [200, '10'],
        PipedP: [200, '5'],
        Intercepted: [200, 'wrapped'],
        FilteredC: [200, '5'],
        FilteredM: [418, 'filtered'],
      };
      const [wanted, part] = Object.entries(expected).find(([start]) => name.startsWith(start))![1];
      expect(status).toBe(wanted);
      expect(text).toContain(part);
    });

    it.each([
      ['a factory', { useFactory: () => new Impl() }],
      ['a value', { useValue: new Impl() }],
    ])('is refused if the instance comes from %s', async (_from, made) => {
      for (const provide of [Impl, 'TOKEN'])
        expect(await refusal({ providers: [{ provide, ...made }] })).toContain(name);
    });

    it('is refused even if there are global enhancers', async () => {
      const message = await refusal({
        providers: [{ provide: Impl, useFactory: () => new Impl() }],
        configure: (app) => {
          app.useGlobalGuards(new Allow(), new Allow());
          app.useGlobalPipes(new Double(), new Double());
          app.useGlobalInterceptors(new Wrap(), new Wrap());
          app.useGlobalFilters(new Answer(), new Answer());
        },
      });
      expect(message).toContain(name);
    });
  },
);

describe('a guard that cannot be resolved', () => {
  it('is refused with an error that names class and method, with and without global guards', async () => {
    const { GuardedMethod: Impl } = implementations();
    for (const guards of [[], [new Allow()], [new Allow(), new Allow()]]) {
      const message = await refusal({
        providers: [{ provide: Impl!, useFactory: () => new Impl!() }],
        configure: (app) => app.useGlobalGuards(...guards),
      });
      expect(message).toMatch(/GuardedMethod\.one\b.*guard/i);
    }
  });
});

describe('enhancers that are instances', () => {
  @RpcInterface(definition)
  @UseGuards(new Allow())
  @UseInterceptors(new Wrap())
  class InstancesImpl {
    @UsePipes(new Double())
    @UseFilters(new Answer())
    one(@Body(new ParseIntPipe()) value: number): unknown {
      if (value === 0) throw new ForbiddenException();
      return value;
    }
  }
  @RpcInterface(definition)
  @UseGuards(new Deny())
  class DeniedImpl {
    one() {
      return 'leaked';
    }
  }

  it.each([
    ['a factory', { useFactory: () => new InstancesImpl() }],
    ['a value', { useValue: new InstancesImpl() }],
  ])('work on an implementation that comes from %s', async (_from, made) => {
    const { call } = await startApp({ providers: [{ provide: InstancesImpl, ...made }] });
    expect((await call('Bound.one', [4])).json).toEqual({ wrapped: 8 });
    expect((await call('Bound.one', [0])).status).toBe(418);
  });

  it('protect an implementation that comes from a factory', async () => {
    const providers = [{ provide: DeniedImpl, useFactory: () => new DeniedImpl() }];
    const { call } = await startApp({ providers });
    expect((await call('Bound.one')).status).toBe(403);
  });
});
