import {
  Catch,
  ForbiddenException,
  HttpException,
  HttpStatus,
  Injectable,
  Scope,
  UseFilters,
} from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { APP_FILTER, BaseExceptionFilter, HttpAdapterHost } from '@nestjs/core';
import {
  CatchIpc,
  ClientRequestContext,
  Exposed,
  IModelError,
  IpcChannel,
  NoContentError,
  RpcInterface,
  RpcPendingResponse,
} from '@linnet/backend';
import type { ErrorObservation } from '@linnet/backend';
import { throwError } from 'rxjs';
import { closeIpcApps, startIpcApp } from '../../../harness/ipc.harness.js';
import { closeApps, definitionOf, startApp, ways } from '../../../harness/nest.harness.js';

@Exposed()
class StuckError extends Error {
  override readonly name = 'StuckError';
  readonly robot = 'r1';
}
class InsideError extends Error {}

const thrown: Record<string, () => unknown> = {
  number: () => new IModelError(65574, 'no such robot'),
  exposed: () => new StuckError('stuck'),
  http: () => new ForbiddenException('not you'),
  plain: () => new Error('plain'),
  nothing: () => undefined,
  inside: () => new InsideError('secret'),
  pending: () => new RpcPendingResponse('half'),
  noContent: () => new NoContentError(),
};
const forCallers: [kind: string, members: object][] = [
  ['number', { message: 'no such robot', errorNumber: 65574, name: 'Not Found' }],
  ['exposed', { message: 'stuck', name: 'StuckError', robot: 'r1' }],
  ['http', { message: 'not you', statusCode: 403, name: 'ForbiddenException' }],
  ['nothing', { message: 'The operation failed without an error.' }],
];

class FailingBase {
  async fail(kind: string): Promise<void> {
    throw thrown[kind]!();
  }
}
@RpcInterface(definitionOf('Failing', 'fail'))
class FailingImpl extends FailingBase {}
@IpcChannel('failing')
class FailingHandler extends FailingBase {}

const seen: unknown[] = [];

/** As the documentation of Nest has it. */
@Catch()
class CatchEverythingFilter implements ExceptionFilter {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch(exception: unknown, host: ArgumentsHost): void {
    seen.push(exception);
    const { httpAdapter } = this.adapterHost;
    const context = host.switchToHttp();
    const status =
      exception instanceof HttpException ? exception.getStatus() : HttpStatus.INTERNAL_SERVER_ERROR;
    const body = { statusCode: status, path: httpAdapter.getRequestUrl(context.getRequest()) as string };
    httpAdapter.reply(context.getResponse(), body, status);
  }
}

/** As the filter of Sentry does: reports what it catches, and leaves the answer to the base filter. */
@Catch()
class ReportingFilter extends BaseExceptionFilter {
  override catch(exception: unknown, host: ArgumentsHost): void {
    seen.push(exception);
    super.catch(exception, host);
  }
}

/** Writes as filters for one framework do. */
@Catch()
class WritingFilter implements ExceptionFilter {
  async catch(exception: unknown, host: ArgumentsHost): Promise<unknown> {
    seen.push(exception);
    await Promise.resolve();
    const response = host.switchToHttp().getResponse();
    response.header('X-Written', 'yes');
    return response.status(418).send({ written: true });
  }
}

@CatchIpc()
class EverywhereFilter extends CatchEverythingFilter {}
@CatchIpc()
class ReportingEverywhereFilter extends ReportingFilter {}

afterEach(async () => {
  seen.splice(0);
  await closeApps();
  await closeIpcApps();
});

describe.each(Object.entries(ways))(
  'a global filter that catches everything, by way of %s,',
  (_name, way) => {
    const start = (Filter: new (...args: never[]) => ExceptionFilter) =>
      startApp({ way, providers: [FailingImpl, { provide: APP_FILTER, useClass: Filter }] });

    describe.each(Object.entries({ CatchEverythingFilter, ReportingFilter, WritingFilter }))(
      'if it is a %s,',
      (_name, Filter) => {
        it.each(forCallers)(
          'does not change the form of an error for callers (%s)',
          async (kind, members) => {
            const { call, log } = await start(Filter);
            const reply = await call('Failing.fail', [kind]);
            expect(reply.json).toMatchObject({ ...members, isError: true });
            expect(reply.headers).not.toHaveProperty('x-written');
            expect(seen).toHaveLength(1);
            expect(log.find('warn', 'filter')).toEqual([]);
          },
        );

        it('does not change the status of an error for callers', async () => {
          const { call } = await start(Filter);
          const statuses = await Promise.all(
            ['number', 'http', 'exposed'].map(async (kind) => (await call('Failing.fail', [kind])).status),
          );
          expect(statuses).toEqual([404, 403, 500]);
        });

        it.each(['inside', 'plain'])('answers for an error that is not for callers (%s)', async (kind) => {
          const { call } = await start(Filter);
          const reply = await call('Failing.fail', [kind]);
          expect(reply.text).not.toMatch(/secret/);
          expect(reply.json).not.toHaveProperty('activityId');
          expect(reply.json.statusCode ?? reply.status).toBe(Filter === WritingFilter ? 418 : 500);
        });

        it('does not receive control responses', async () => {
          const { call } = await start(Filter);
          expect((await call('Failing.fail', ['pending'])).status).toBe(202);
          expect((await call('Failing.fail', ['noContent'])).status).toBe(204);
          expect(seen).toEqual([]);
        });
      },
    );

    it('does not prevent the answer of a bound filter', async () => {
      @Catch(IModelError)
      class BoundFilter implements ExceptionFilter {
        catch(error: IModelError, host: ArgumentsHost) {
          host.switchToHttp().getResponse().status(409).send({ bound: error.message });
        }
      }
      @RpcInterface(definitionOf('Bound', 'fail'))
      @UseFilters(BoundFilter)
      class BoundImpl extends FailingBase {}
      const { call } = await startApp({
        way,
        providers: [BoundImpl, { provide: APP_FILTER, useClass: CatchEverythingFilter }],
      });
      const reply = await call('Bound.fail', ['number']);
      expect([reply.status, reply.json]).toEqual([409, { bound: 'no such robot' }]);
      expect((await call('Bound.fail', ['exposed'])).json).toMatchObject({ robot: 'r1' });
      expect(seen).toHaveLength(1);
    });

    it('may read the request and the response', async () => {
      const read: unknown[] = [];
      const filter: ExceptionFilter = {
        catch(_error: unknown, host: ArgumentsHost) {
          const [request, response] = [host.switchToHttp().getRequest(), host.switchToHttp().getResponse()];
          read.push(request.url, typeof response.render, response.getHeader('X-Early'), response.headersSent);
          response.sendFile?.('/etc/hostname');
          response.raw?.end('raw');
          response.end?.('ended');
        },
      };
      const configure = (app: any) => {
        app.use((_request: unknown, response: any, next: () => void) => {
          response.setHeader('X-Early', 'early');
          next();
        });
        app.useGlobalFilters(filter);
      };
      const { call } = await startApp({ way, providers: [FailingImpl], configure });
      const reply = await call('Failing.fail', ['number']);
      expect(reply.json).toMatchObject({ errorNumber: 65574 });
      expect(read[0]).toBe('/Failing-1.0.0-fail');
      expect(reply.headers['x-early']).toBe('early');
    });
  },
);

describe.each(['an IPC channel', 'RPC over IPC'])('a global filter around %s', (way) => {
  const start = async (providers: any[], options = {}) => {
    const setup = { providers: [FailingImpl, FailingHandler, ...providers], rpc: options, ipc: options };
    const { connect, log } = await startIpcApp(setup);
    const { fail } = await connect();
    const definition = { interfaceName: 'Failing', interfaceVersion: '1.0.0' };
    const context = { id: 'a1', protocolVersion: '2' };
    const call = (kind: string) =>
      way === 'an IPC channel'
        ? fail('failing.fail', kind)
        : fail('itwinjs-core/rpc-over-ipc.request', {
            definition,
            operation: 'fail',
            parameters: [kind],
            context,
          });
    return { call, log };
  };

  it('does not run without @CatchIpc()', async () => {
    const { call } = await start([{ provide: APP_FILTER, useClass: CatchEverythingFilter }]);
    expect(await call('number')).toMatchObject({ errorNumber: 65574 });
    expect(seen).toEqual([]);
  });

  it.each(Object.entries({ EverywhereFilter, ReportingEverywhereFilter }))(
    'receives errors with @CatchIpc() (%s)',
    async (_name, Filter) => {
      const { call, log } = await start([{ provide: APP_FILTER, useClass: Filter }]);
      for (const [kind, members] of forCallers) expect(await call(kind)).toMatchObject(members);
      expect(await call('inside')).toMatchObject({ message: 'Internal error' });
      expect(seen).toHaveLength(forCallers.length + 1);
      expect(log.find('error', 'is not a function')).toEqual([]);
    },
  );

  it('may be request-scoped', async () => {
    @CatchIpc()
    @Injectable({ scope: Scope.REQUEST })
    @Catch()
    class ScopedFilter implements ExceptionFilter {
      catch(error: unknown) {
        seen.push(error);
      }
    }
    const { call } = await start([{ provide: APP_FILTER, useClass: ScopedFilter }]);
    expect(await call('number')).toMatchObject({ errorNumber: 65574 });
    expect(seen).toHaveLength(1);
  });

  it('may replace only errors that are not for callers', async () => {
    @CatchIpc()
    @Catch()
    class ReplacingFilter implements ExceptionFilter {
      catch() {
        return throwError(() => new IModelError(7, 'replaced'));
      }
    }
    const { call } = await start([{ provide: APP_FILTER, useClass: ReplacingFilter }]);
    expect(await call('inside')).toMatchObject({ errorNumber: 7, message: 'replaced' });
    expect(await call('exposed')).toMatchObject({ robot: 'r1' });
  });
});

describe('the option onError', () => {
  type Observed = [error: unknown, hidden: boolean, operation: string | undefined, isInside: boolean];
  const observed: Observed[] = [];
  const onError = (error: unknown, { hidden, activity }: ErrorObservation) => {
    observed.push([
      error,
      hidden,
      activity?.rpcMethod,
      ClientRequestContext.current.activityId === activity?.activityId,
    ]);
  };
  afterEach(() => void observed.splice(0));

  it('receives all errors of calls, over every transport, within their activity', async () => {
    const { send, connect } = await startIpcApp({
      providers: [FailingImpl, FailingHandler, { provide: APP_FILTER, useClass: CatchEverythingFilter }],
      rpc: { onError },
      ipc: { onError },
    });
    const { fail } = await connect();
    const context = { id: 'a1', protocolVersion: '2' };
    const definition = { interfaceName: 'Failing', interfaceVersion: '1.0.0' };
    for (const kind of ['number', 'inside', 'pending', 'noContent'])
      await send({ target: '/Failing-1.0.0-fail', body: JSON.stringify([kind]) });
    for (const kind of ['number', 'inside']) {
      await fail('failing.fail', kind);
      const request = { definition, operation: 'fail', parameters: [kind], context };
      await fail('itwinjs-core/rpc-over-ipc.request', request);
    }
    const number = expect.any(IModelError);
    const inside = expect.any(InsideError);
    expect(observed).toEqual([
      [number, false, 'fail', true],
      // That one was answered by the filter.
      [inside, true, 'fail', true],
      [number, false, 'failing.fail', true],
      [number, false, 'fail', true],
      [inside, true, 'failing.fail', true],
      [inside, true, 'fail', true],
    ]);
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('the observer is broken');
      },
    ],
    ['rejects', async () => Promise.reject(new Error('the observer is broken'))],
  ])('changes no answer, and is logged, if it %s', async (_how, broken) => {
    const { call, log } = await startApp({ providers: [FailingImpl], options: { onError: broken } });
    expect((await call('Failing.fail', ['number'])).json).toMatchObject({ errorNumber: 65574 });
    expect(log.find('warn', 'the observer is broken')).toHaveLength(1);
  });
});
