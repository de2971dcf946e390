import {
  BadRequestException,
  Catch,
  ConflictException,
  ForbiddenException,
  HttpException,
  NotFoundException,
  UseFilters,
} from '@nestjs/common';
import type { ArgumentsHost, CallHandler, ExceptionFilter, ExecutionContext } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import {
  CallContext,
  NoContentError,
  RpcInterface,
  RpcNotFoundResponse,
  RpcPendingResponse,
} from '@linnet/backend';
import { catchError, map, of } from 'rxjs';
import { closeApps, definitionOf, startApp, ways } from '../../../harness/nest.harness.js';
import { settled } from '../../../harness/waiting.js';

class RobotError extends Error {}

@Catch(RobotError)
class RobotFilter implements ExceptionFilter {
  catch(error: RobotError, host: ArgumentsHost) {
    const response = host.switchToHttp().getResponse();
    const request = host.switchToHttp().getRequest();
    response
      .status(403)
      .send({ robot: error.message, path: request.url, call: CallContext.from(host)?.operation });
  }
}

const errors: Record<string, () => unknown> = {
  plain: () => new ForbiddenException('not you'),
  text: () => new HttpException('tea', 418),
  object: () => new HttpException({ message: 'custom', code: 7, nested: { a: [1] } }, 409),
  bodyWithoutMessage: () => new HttpException({ reason: 'x' }, 400),
  list: () => new BadRequestException(['a is wrong', 'b is wrong']),
  redirect: () => new HttpException('elsewhere', 302),
  named: () => Object.assign(new ConflictException('twice'), { name: 'Twice' }),
  robot: () => new RobotError('stuck'),
  pending: () => new RpcPendingResponse('40 of 100'),
  notFound: () => new RpcNotFoundResponse(),
  noContent: () => new NoContentError(),
  nothing: () => undefined,
};

@RpcInterface(definitionOf('Errors', 'fail', 'robot'))
class ErrorsImpl {
  async fail(kind: string) {
    throw errors[kind]!();
  }
  @UseFilters(RobotFilter)
  async robot() {
    throw new RobotError('stuck');
  }
}

afterEach(closeApps);

describe.each(Object.entries(ways))('errors, by way of %s:', (_name, way) => {
  const start = (configure: (app: any) => unknown = () => undefined) =>
    startApp({ way, providers: [ErrorsImpl], configure });
  const withFilter = (filter: ExceptionFilter) => start((app) => app.useGlobalFilters(filter));

  describe('an HttpException', () => {
    it.each([
      ['plain', 403, { name: 'ForbiddenException', message: 'not you', isError: true }],
      ['text', 418, { name: 'HttpException', message: 'tea' }],
      ['object', 409, { name: 'HttpException', message: 'custom', code: 7, nested: { a: [1] } }],
      ['bodyWithoutMessage', 400, { name: 'HttpException', reason: 'x', message: 'Http Exception' }],
      [
        'list',
        400,
        {
          name: 'BadRequestException',
          message: 'a is wrong, b is wrong',
          details: ['a is wrong', 'b is wrong'],
        },
      ],
      ['redirect', 500, { name: 'HttpException', message: 'elsewhere' }],
      ['named', 409, { name: 'Twice', message: 'twice' }],
    ])('keeps its status, name and members (%s)', async (kind, status, body) => {
      const { call } = await start();
      const reply = await call('Errors.fail', [kind]);
      expect(reply.status).toBe(status);
      expect(reply.json).toMatchObject(body);
    });
  });

  describe('an exception filter', () => {
    it('that is written for controllers answers calls', async () => {
      const { call } = await start();
      const reply = await call('Errors.robot', [], { Origin: 'http://localhost:1' });
      expect(reply.status).toBe(403);
      expect(reply.json).toEqual({ robot: 'stuck', path: '/Errors-1.0.0-robot', call: 'robot' });
      expect(reply.headers).toMatchObject({
        'x-protocol-version': '2',
        'access-control-allow-origin': 'http://localhost:1',
      });
      expect(reply.headers['access-control-expose-headers']).toContain('X-Protocol-Version');
    });

    it('may answer later', async () => {
      const { call } = await withFilter({
        async catch(error: Error, host: ArgumentsHost) {
          await settled();
          host.switchToHttp().getResponse().status(409).send({ late: error.message });
        },
      });
      const reply = await call('Errors.fail', ['robot']);
      expect([reply.status, reply.json]).toEqual([409, { late: 'stuck' }]);
    });

    it('that is global and extends the base filter answers for errors that are not for callers', async () => {
      class Extending extends BaseExceptionFilter {
        override catch(exception: unknown, host: ArgumentsHost) {
          super.catch(exception, host);
        }
      }
      const { call } = await start((app) => app.useGlobalFilters(new Extending(app.getHttpAdapter())));
      const reply = await call('Errors.fail', ['plain']);
      expect(reply.status).toBe(403);
      const members = { statusCode: 403, message: 'not you', error: 'Forbidden' };
      expect(reply.json).toEqual({ ...members, isError: true, name: 'ForbiddenException' });
      const unknown = await call('Errors.fail', ['robot']);
      expect(unknown.json).toEqual({ statusCode: 500, message: 'Internal server error' });
    });

    it('that returns a value is ignored, with one warning', async () => {
      const { call, log } = await withFilter({ catch: () => ({ not: 'an answer' }) });
      for (let i = 0; i < 3; i++) {
        const reply = await call('Errors.fail', ['plain']);
        expect(reply.status).toBe(403);
        expect(reply.json).toMatchObject({ message: 'not you' });
      }
      expect(log.find('warn', 'ErrorsImpl.fail returned a value')).toHaveLength(1);
    });

    it('that throws does not replace the error', async () => {
      const { call, log } = await withFilter({
        catch: () => {
          throw new Error('the filter is broken');
        },
      });
      const reply = await call('Errors.fail', ['plain']);
      expect(reply.status).toBe(403);
      expect(reply.json).toMatchObject({ message: 'not you' });
      expect(log.find('error', 'the filter is broken')).toHaveLength(1);
    });

    it('that throws the same error again does not replace it', async () => {
      const { call, log } = await withFilter({
        catch: (error: unknown) => {
          throw error;
        },
      });
      expect((await call('Errors.fail', ['plain'])).status).toBe(403);
      expect(log.find('error', 'not you')).toEqual([]);
    });

    it('receives a thrown undefined', async () => {
      const seen: unknown[] = [];
      const { call } = await withFilter({ catch: (error: unknown) => void seen.push(error) });
      const reply = await call('Errors.fail', ['nothing']);
      expect(seen).toEqual([undefined]);
      expect(reply.json).toMatchObject({ message: 'The operation failed without an error.' });
    });

    it('that did not answer causes no duplicate headers', async () => {
      const { call } = await withFilter({ catch: () => undefined });
      const { headers } = await call('Errors.fail', ['plain'], { Origin: 'http://localhost:1' });
      expect(headers['access-control-allow-origin']).toBe('http://localhost:1');
      expect(headers['x-protocol-version']).toBe('2');
      expect(headers['vary']).toBe('Accept-Encoding, Authorization, X-Protocol-Version, Origin');
    });
  });

  const outcomes: [string, number, string][] = [
    ['pending', 202, '40 of 100'],
    ['notFound', 404, 'Not found'],
    ['noContent', 204, ''],
  ];

  it.each(outcomes)(
    'an outcome that is not an error is not passed to filters (%s)',
    async (kind, status, text) => {
      const seen: unknown[] = [];
      const { call, log } = await withFilter({
        catch: (error: unknown, host: ArgumentsHost) => {
          seen.push(error);
          host.switchToHttp().getResponse().status(400).send('caught');
        },
      });
      const reply = await call('Errors.fail', [kind]);
      expect(reply.status).toBe(status);
      expect(reply.text).toContain(text);
      expect(seen).toEqual([]);
      expect(log.lines.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
    },
  );

  it.each(outcomes)(
    'an outcome that is not an error cannot be changed by interceptors (%s)',
    async (kind, status, text) => {
      const replacing = (_context: ExecutionContext, next: CallHandler) =>
        next.handle().pipe(
          map(() => 'replaced'),
          catchError(() => of('replaced')),
        );
      const refusing = (_context: ExecutionContext, next: CallHandler) =>
        next.handle().pipe(
          map((value: unknown) => {
            if (value === undefined) throw new NotFoundException('nothing there');
            return value;
          }),
        );
      for (const intercept of [replacing, refusing]) {
        const { call, close } = await start((app) => app.useGlobalInterceptors({ intercept }));
        const reply = await call('Errors.fail', [kind]);
        expect(reply.status).toBe(status);
        expect(reply.text).toContain(text);
        await close();
      }
    },
  );

  it('a guard may throw an outcome', async () => {
    const { call } = await start((app) =>
      app.useGlobalGuards({
        canActivate: () => {
          throw new RpcPendingResponse('warming up');
        },
      }),
    );
    const reply = await call('Errors.fail', ['plain']);
    expect(reply.status).toBe(202);
    expect(reply.json).toMatchObject({ managedStatus: 'pending', responseValue: 'warming up' });
  });

  it.each(['guard', 'interceptor'])(
    'an answer that the %s has written is not followed by another',
    async (where) => {
      const answer = (context: ExecutionContext) =>
        context.switchToHttp().getResponse().status(401).send({ by: 'hand' });
      const { call, log } = await start((app) => {
        if (where === 'guard')
          app.useGlobalGuards({ canActivate: (context: ExecutionContext) => (answer(context), false) });
        else
          app.useGlobalInterceptors({
            intercept: (context: ExecutionContext) => (answer(context), of(undefined)),
          });
      });
      for (let i = 0; i < 2; i++) {
        const reply = await call('Errors.fail', ['plain']);
        expect([reply.status, reply.json]).toEqual([401, { by: 'hand' }]);
      }
      expect(log.find('warn', 'could not be written')).toEqual([]);
    },
  );
});
