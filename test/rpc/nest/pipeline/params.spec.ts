import {
  Body,
  createParamDecorator,
  Headers,
  Injectable,
  Ip,
  Param,
  ParseIntPipe,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import type { ExecutionContext, PipeTransform } from '@nestjs/common';
import { CallContext, CurrentActivity, RpcInterface, RpcOperation } from '@linnet/backend';
import type { Activity } from '@linnet/backend';
import { closeApps, definitionOf, makeApp, startApp, ways } from '../../../harness/nest.harness.js';

const Operation = createParamDecorator((suffix: string | undefined, context: ExecutionContext) => {
  return CallContext.from(context)!.operation + (suffix ?? '');
});

@Injectable()
class Shouting implements PipeTransform {
  transform(value: unknown, metadata: { type: string; data?: unknown }) {
    return `${String(value)}!${metadata.type}`;
  }
}

@Injectable()
class Doubling implements PipeTransform {
  transform(value: unknown) {
    return typeof value === 'number' ? value * 2 : value;
  }
}

const definition = definitionOf(
  'Params',
  'activity',
  'custom',
  'request',
  'response',
  'variadic',
  'variadicPiped',
  'second',
  'plain',
);

@RpcInterface(definition)
class ParamsImpl {
  async activity(first: unknown, second: unknown, @CurrentActivity() activity?: Activity) {
    return { first, second: second === undefined ? 'missing' : second, id: activity?.activityId };
  }
  async custom(value: number, @Operation('?') plain: string, @Operation('?', Shouting) piped: string) {
    return [value, plain, piped];
  }
  async request(
    @Req() request: { method: string },
    @Headers('X-Session-ID') session: string,
    @Headers() headers: Record<string, string>,
    @Ip() ip: string,
  ) {
    return { method: request.method, session, application: headers['x-application-id'], ip };
  }
  async response(@Res({ passthrough: true }) response: { setHeader?: unknown; header?: unknown }) {
    return typeof (response.setHeader ?? response.header);
  }
  async variadic(...values: unknown[]) {
    return values;
  }
  async variadicPiped(@Body(Doubling) first: number, ...values: unknown[]) {
    return [first, ...values];
  }
  async second(first: unknown, @Body(ParseIntPipe) second: number) {
    return [first, second];
  }
  @RpcOperation()
  async plain(first: unknown, second?: unknown) {
    return [first, second];
  }
}

afterEach(closeApps);

describe.each(Object.entries(ways))('parameters, by way of %s:', (_name, way) => {
  const start = (setup: object = {}) => startApp({ way, providers: [ParamsImpl], ...setup });

  it('a decorated parameter is filled at its position, even if arguments before it are missing', async () => {
    const { call } = await start();
    const expected = { second: 'missing', id: 'activity-1' };
    expect((await call('Params.activity', [])).json).toEqual(expected);
    expect((await call('Params.activity', [1])).json).toEqual({ ...expected, first: 1 });
    expect((await call('Params.activity', [1, null])).json).toEqual({
      first: 1,
      second: null,
      id: 'activity-1',
    });
  });

  it.each([[[1, 2, { activityId: 'forged' }]], [[1, 2, 3, 4]], [[1, 2, null]]])(
    'a decorated parameter is never filled with an argument of the client: %j',
    async (args) => {
      const { call } = await start();
      const reply = await call('Params.activity', args);
      expect(reply.status).toBe(500);
      expect(reply.json).toMatchObject({
        errorNumber: 32768,
        message: `Invalid request: ${args.length} arguments, but activity takes at most 2.`,
      });
    },
  );

  it('decorators of the application make parameters, with their pipes', async () => {
    const { call } = await start();
    expect((await call('Params.custom', [1])).json).toEqual([1, 'custom?', 'custom?!custom']);
  });

  it('request, headers and address of a call can be injected', async () => {
    const { call } = await start();
    expect((await call('Params.request')).json).toEqual({
      method: 'POST',
      session: 'session-1',
      application: 'app-1',
      ip: '127.0.0.1',
    });
    expect((await call('Params.response')).json).toBe('function');
  });

  it('global pipes receive the values of decorators of the application, and not request, response or headers', async () => {
    const { call } = await start({ configure: (app: any) => app.useGlobalPipes(new Shouting()) });
    expect((await call('Params.custom', [1])).json).toEqual([
      '1!body',
      'custom?!custom',
      'custom?!custom!custom',
    ]);
    expect((await call('Params.request')).json).toMatchObject({ method: 'POST', session: 'session-1' });
    expect((await call('Params.response')).json).toBe('function');
  });

  it('a variadic operation receives all arguments', async () => {
    const { call } = await start();
    expect((await call('Params.variadic', [1, 2, 3, 4])).json).toEqual([1, 2, 3, 4]);
    expect((await call('Params.variadicPiped', [1, 2, 3])).json).toEqual([2, 2, 3]);
  });

  it('a variadic operation receives all arguments with global pipes', async () => {
    const { call } = await start({ configure: (app: any) => app.useGlobalPipes(new Doubling()) });
    expect((await call('Params.variadic', [1, 2, 'x'])).json).toEqual([2, 4, 'x']);
    expect((await call('Params.variadicPiped', [1, 2])).json).toEqual([4, 4]);
    expect((await call('Params.plain', [1, 2, 3])).json).toEqual([2, 4]);
  });

  it('global pipes receive undefined for a missing argument', async () => {
    const seen: unknown[] = [];
    const noting: PipeTransform = {
      transform(value: unknown) {
        seen.push(value);
        return value;
      },
    };
    const { call } = await start({ configure: (app: any) => app.useGlobalPipes(noting) });
    await call('Params.plain', [1]);
    expect(seen).toEqual([1, undefined]);
  });

  it('the pipes of a parameter receive the argument at its position', async () => {
    const { call } = await start();
    expect((await call('Params.second', ['1', '2'])).json).toEqual(['1', 2]);
    const refused = await call('Params.second', ['1', 'two']);
    expect(refused.status).toBe(400);
    expect(refused.json).toMatchObject({
      name: 'BadRequestException',
      message: 'Validation failed (numeric string is expected)',
    });
  });
});

describe('parameter decorators that contradict positions', () => {
  const start = async (impl: new () => object) => {
    const { app } = await makeApp({ providers: [RpcInterface(definitionOf('Odd', 'run'))(impl) ?? impl] });
    await app.init();
  };

  class NamedBody {
    async run(@Body('name') _name: string) {}
  }
  class WithQuery {
    async run(@Query() _query: object) {}
  }
  class WithParam {
    async run(_first: unknown, @Param('id') _id: string) {}
  }
  class Between {
    async run(@CurrentActivity() _activity: Activity, _argument: string) {}
  }
  class Twice {
    async run(@CurrentActivity() @Ip() _both: unknown) {}
  }

  it.each([
    [
      'a body with a name',
      NamedBody,
      'NamedBody.run: the decorator of parameter 0 has no meaning for a call',
    ],
    ['a query', WithQuery, 'WithQuery.run: the decorator of parameter 0 has no meaning for a call'],
    ['a route parameter', WithParam, 'WithParam.run: the decorator of parameter 1 has no meaning for a call'],
    [
      'an argument behind a decorated parameter',
      Between,
      'Between.run: parameter 1 is an argument of the caller, but stands behind the decorated parameter 0',
    ],
    ['two decorators of one parameter', Twice, 'Twice.run: parameter 0 has two decorators that fill it'],
  ])('are refused at start: %s', async (_what, impl, message) => {
    await expect(start(impl)).rejects.toThrow(message);
  });
});
