import {
  BadRequestException,
  Catch,
  ConflictException,
  HttpException,
  ServiceUnavailableException,
  UseFilters,
  UseInterceptors,
} from '@nestjs/common';
import type { ArgumentsHost, CallHandler, ExceptionFilter, NestInterceptor } from '@nestjs/common';
import { BaseWsExceptionFilter, WsException } from '@nestjs/websockets';
import { Exposed, IModelError, IpcChannel } from '@linnet/backend';
import { catchError, of, throwError } from 'rxjs';
import { closeIpcApps, startIpcApp } from '../../../harness/ipc.harness.js';

class InsideError extends Error {}

@Exposed()
class RobotError extends Error {
  override readonly name = 'RobotError';
  readonly robot = 'r1';
}

const withMembers = (members: object) => Object.assign(new Error('disk at /var/lib'), members);

const errors: Record<string, () => unknown> = {
  error: () => new Error('plain'),
  typeError: () => new TypeError('wrong type'),
  withCause: () => new Error('told', { cause: new Error('inside') }),
  inside: () => new InsideError('secret'),
  exposed: () => new RobotError('stuck'),
  system: () => withMembers({ syscall: 'open', errno: -2, code: 'ENOENT', path: '/var/lib' }),
  driver: () => withMembers({ query: 'SELECT 1', driverError: {} }),
  number: () => new IModelError(65574, 'no such robot'),
  ownNumber: () => Object.assign(new InsideError('own'), { errorNumber: 7, hint: 'h' }),
  ws: () => new WsException('over ws'),
  wsObject: () => new WsException({ message: 'over ws', robot: 3 }),
  http: () => new ConflictException('twice'),
  unavailable: () => new ServiceUnavailableException('later'),
  httpObject: () => new HttpException({ message: 'custom', code: 7, nested: { a: [1] } }, 409),
  list: () => new BadRequestException(['a is wrong', 'b is wrong']),
  text: () => 'just text',
  zero: () => 0,
  nothing: () => undefined,
  null: () => null,
  object: () => ({ reason: 'r', deep: { n: 1 } }),
  cycle: () => {
    const error: RobotError & { self?: unknown } = new RobotError('round');
    error.self = { error };
    return error;
  },
  bigint: () => Object.assign(new RobotError('big'), { count: 1n }),
};

@IpcChannel('errors')
class ErrorsHandler {
  async fail(kind: string) {
    throw errors[kind]!();
  }
  throws(kind: string) {
    throw errors[kind]!();
  }
  observable(kind: string) {
    return throwError(() => errors[kind]!());
  }
}

afterEach(closeIpcApps);

describe('an error of an IPC handler', () => {
  const number = (errorNumber: number, name: string, rest: object) => ({
    errorNumber,
    name,
    iTwinErrorId: { scope: 'bentley-error', key: name },
    ...rest,
  });
  const hidden = number(32768, 'InternalError', {
    message: 'Internal error',
    activityId: expect.stringMatching(/^[-0-9a-f]{36}$/),
  });

  it.each<[string, unknown]>([
    ['error', { message: 'plain' }],
    ['typeError', hidden],
    ['withCause', { message: 'told' }],
    ['inside', hidden],
    ['exposed', { message: 'stuck', name: 'RobotError', robot: 'r1' }],
    ['system', hidden],
    ['driver', hidden],
    ['number', number(65574, 'Not Found', { message: 'no such robot' })],
    ['ws', { message: 'over ws', name: 'WsException' }],
    ['wsObject', { message: 'over ws', name: 'WsException', robot: 3 }],
    ['http', { message: 'twice', name: 'ConflictException', error: 'Conflict', statusCode: 409 }],
    ['unavailable', expect.objectContaining({ message: 'later', statusCode: 503 })],
    ['httpObject', { message: 'custom', name: 'HttpException', code: 7, nested: { a: [1] } }],
    [
      'list',
      expect.objectContaining({
        message: 'a is wrong, b is wrong',
        details: ['a is wrong', 'b is wrong'],
        name: 'BadRequestException',
      }),
    ],
    ['text', 'just text'],
    ['zero', 0],
    ['nothing', { message: 'The operation failed without an error.' }],
    ['null', null],
    ['object', { reason: 'r', deep: { n: 1 } }],
    ['cycle', { message: 'round', name: 'RobotError', robot: 'r1', self: {} }],
    ['bigint', { message: 'big', name: 'RobotError', robot: 'r1' }],
  ])('is the same for a frontend whether it is thrown, rejected or emitted: %s', async (kind, expected) => {
    const { connect } = await startIpcApp({ providers: [ErrorsHandler] });
    const { fail } = await connect();
    for (const method of ['fail', 'throws', 'observable'])
      expect(await fail(`errors.${method}`, kind)).toEqual(expected);
  });

  it('crosses with its own error number', async () => {
    const { connect } = await startIpcApp({ providers: [ErrorsHandler] });
    expect(await (await connect()).fail('errors.fail', 'ownNumber')).toMatchObject({
      errorNumber: 7,
      message: 'own',
      hint: 'h',
    });
  });

  it('is logged and hidden from the frontend if it is internal', async () => {
    const { connect, log } = await startIpcApp({ providers: [ErrorsHandler] });
    const { fail } = await connect();
    expect(JSON.stringify(await fail('errors.fail', 'inside'))).not.toContain('secret');
    expect(log.find('error', 'secret')).toHaveLength(1);
    await fail('errors.fail', 'http');
    await fail('errors.fail', 'number');
    expect(log.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
  });

  it('has a stack in development mode only', async () => {
    const production = await startIpcApp({ providers: [ErrorsHandler] });
    expect(await (await production.connect()).fail('errors.fail', 'error')).toEqual({ message: 'plain' });
    const development = await startIpcApp({ providers: [ErrorsHandler], ipc: { developmentMode: true } });
    const { fail } = await development.connect();
    for (const kind of ['error', 'inside'])
      expect((await fail('errors.fail', kind)).stack).toContain('errors.spec');
  });

  it('is shown if exposeError of the application says so', async () => {
    const exposeError = (error: unknown) => (error instanceof InsideError ? true : undefined);
    const { connect } = await startIpcApp({ providers: [ErrorsHandler], ipc: { exposeError } });
    expect((await (await connect()).fail('errors.fail', 'inside')).message).toBe('secret');
  });
});

describe('an exception filter of an IPC handler', () => {
  const start = async (...filters: ExceptionFilter[]) => {
    @IpcChannel('filtered')
    @UseFilters(...filters)
    class FilteredHandler extends ErrorsHandler {}
    const { connect, log } = await startIpcApp({ providers: [FilteredHandler] });
    const { ask, fail } = await connect();
    return { ask, fail, log };
  };

  it('replaces the error if it returns a failing Observable', async () => {
    @Catch(InsideError)
    class Replacing implements ExceptionFilter {
      catch(error: InsideError, host: ArgumentsHost) {
        const pattern = host.switchToWs().getPattern();
        return throwError(() => new IModelError(65574, `${pattern}: ${error.message.length}`));
      }
    }
    const { fail, log } = await start(new Replacing());
    expect(await fail('filtered.fail', 'inside')).toMatchObject({
      errorNumber: 65574,
      message: 'filtered.fail: 6',
    });
    expect((await fail('filtered.fail', 'http')).message).toBe('twice');
    expect(log.lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
  });

  it.each<[string, () => unknown]>([
    ['a value', () => ({ not: 'an answer' })],
    ['a promise of one', async () => 1],
    ['an Observable of one', () => of(1)],
  ])('is ignored if it returns %s, with one warning', async (_what, caught) => {
    const { fail, log } = await start({ catch: caught });
    for (let i = 0; i < 3; i++) expect((await fail('filtered.fail', 'http')).message).toBe('twice');
    expect(log.find('warn', 'FilteredHandler.fail returned a value')).toHaveLength(1);
  });

  it('does not replace the error if it throws another one', async () => {
    const { fail, log } = await start({
      catch: () => {
        throw new Error('the filter is broken');
      },
    });
    expect((await fail('filtered.fail', 'http')).message).toBe('twice');
    expect(log.find('error', 'the filter is broken')).toHaveLength(1);
  });

  it('does not replace the error if it rethrows it', async () => {
    const { fail, log } = await start({
      catch: (error: unknown) => {
        throw error;
      },
    });
    expect((await fail('filtered.fail', 'http')).message).toBe('twice');
    expect(log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('does not change the error if it is BaseWsExceptionFilter', async () => {
    const { fail } = await start(new BaseWsExceptionFilter());
    expect((await fail('filtered.fail', 'ws')).message).toBe('over ws');
    expect((await fail('filtered.fail', 'inside')).message).toBe('Internal error');
  });

  it('answers with the exception that it emits if it extends BaseWsExceptionFilter', async () => {
    @Catch()
    class Translating extends BaseWsExceptionFilter {
      override catch(error: unknown, host: ArgumentsHost) {
        const isHttp = error instanceof HttpException;
        super.catch(
          isHttp ? new WsException({ message: `translated: ${error.message}`, robot: 3 }) : error,
          host,
        );
      }
    }
    const { fail } = await start(new Translating());
    expect(await fail('filtered.fail', 'http')).toMatchObject({ message: 'translated: twice', robot: 3 });
    // Not what the base filter says of an error that it does not know.
    expect(await fail('filtered.fail', 'number')).toMatchObject({
      errorNumber: 65574,
      message: 'no such robot',
    });
    const own = await fail('filtered.fail', 'wsObject');
    expect(own).toEqual({ message: 'over ws', robot: 3, name: 'WsException' });
  });

  it('gets the session as the client of the WebSocket context', async () => {
    const filter: ExceptionFilter = {
      catch(_error: unknown, host: ArgumentsHost) {
        const client = host.switchToWs().getClient();
        client.emit('other', { message: 'nobody hears it' });
        expect(client.isOpen).toBe(true);
        expect(host.switchToWs().getPattern()).toBe('filtered.fail');
      },
    };
    const { fail } = await start(filter);
    expect((await fail('filtered.fail', 'http')).message).toBe('twice');
  });

  it('catches a thrown undefined', async () => {
    const seen: unknown[] = [];
    const { fail } = await start({ catch: (error: unknown) => void seen.push(error) });
    expect((await fail('filtered.fail', 'nothing')).message).toBe('The operation failed without an error.');
    expect(seen).toEqual([undefined]);
  });

  it('runs after interceptors, which can turn a failure into a result', async () => {
    const saving: NestInterceptor = {
      intercept: (_context: unknown, next: CallHandler) => next.handle().pipe(catchError(() => of('saved'))),
    };
    @IpcChannel('saved')
    @UseInterceptors(saving)
    class SavedHandler extends ErrorsHandler {}
    const { connect } = await startIpcApp({ providers: [SavedHandler] });
    expect(await (await connect()).ask('saved.fail', 'inside')).toEqual({ result: 'saved' });
  });
});
