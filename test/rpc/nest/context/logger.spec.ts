import { jest } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import {
  ConsoleLogger,
  Controller,
  Get,
  HttpException,
  Injectable,
  Logger,
  UseInterceptors,
} from '@nestjs/common';
import type { MiddlewareConsumer, NestModule } from '@nestjs/common';
import {
  ActivityLogger,
  ClientRequestContext,
  CorrelationInterceptor,
  CorrelationMiddleware,
  CurrentActivity,
  IModelError,
  RpcInterface,
} from '@linnet/backend';
import type { Activity } from '@linnet/backend';
import { closeApps, definitionOf, startApp, ways } from '../../../harness/nest.harness.js';

/** Knows nothing of RPC. */
@Injectable()
class Warehouse {
  readonly #logger = new Logger('Warehouse');
  async count() {
    await nextTurn();
    this.#logger.log('counting');
    this.#logger.warn('few left');
    this.#logger.debug({ shelf: 7 });
    return 3;
  }
}

class InsideError extends Error {}

@RpcInterface(definitionOf('Logged', 'count', 'fail', 'expected'))
class LoggedImpl {
  constructor(private readonly warehouse: Warehouse) {}
  async count() {
    return this.warehouse.count();
  }
  async fail() {
    await nextTurn();
    throw new InsideError('the disk is full');
  }
  async expected(kind: string) {
    throw kind === 'http' ? new HttpException('no', 404) : new IModelError(65574, 'no');
  }
}

@Controller()
class LoggedController {
  constructor(private readonly warehouse: Warehouse) {}
  @Get('middleware')
  async behindMiddleware(@CurrentActivity() activity: Activity) {
    await this.warehouse.count();
    return { id: activity.activityId, same: activity === ClientRequestContext.current };
  }
  @Get('interceptor')
  @UseInterceptors(CorrelationInterceptor)
  async behindInterceptor(@CurrentActivity() activity: Activity) {
    await this.warehouse.count();
    return { id: activity.activityId, same: activity === ClientRequestContext.current };
  }
  @Get('both/middleware')
  @UseInterceptors(CorrelationInterceptor)
  behindBoth(@CurrentActivity() activity: Activity) {
    return { id: activity.activityId, same: activity === ClientRequestContext.current };
  }
  @Get('none')
  without() {
    return ClientRequestContext.current;
  }
}

class LoggedModule implements NestModule {
  configure(consumer: MiddlewareConsumer) {
    consumer.apply(CorrelationMiddleware).forRoutes('middleware', 'both/middleware');
  }
}

let written: string;
let restore: () => void;

beforeEach(() => {
  written = '';
  const spies = [process.stdout, process.stderr].map((stream) =>
    jest.spyOn(stream, 'write').mockImplementation((text) => {
      written += String(text);
      return true;
    }),
  );
  restore = () => spies.forEach((spy) => spy.mockRestore());
});
afterEach(async () => {
  restore();
  Logger.overrideLogger(new ConsoleLogger());
  await closeApps();
});

describe.each(Object.entries(ways))('ActivityLogger, by way of %s,', (_name, way) => {
  const start = async (json: boolean) => {
    const testApp = await startApp({
      way,
      imports: [
        { module: LoggedModule, providers: [Warehouse, LoggedImpl], controllers: [LoggedController] },
      ],
      configure: (app) => app.useLogger(new ActivityLogger({ json, colors: false })),
    });
    // The first call says which way calls take.
    await testApp.call('Logged.expected', ['number']);
    written = '';
    return testApp;
  };
  const fields = (rpcMethod: string) => ({
    ActivityId: 'activity-1',
    SessionId: 'session-1',
    ApplicationId: 'app-1',
    ApplicationVersion: '1.2.3',
    rpcMethod,
  });
  const lines = () => written.split('\n').filter(Boolean);
  const jsonLines = (): any[] => lines().map((line) => JSON.parse(line) as unknown);

  it('adds the activity to every JSON line of a call', async () => {
    const { call } = await start(true);
    await call('Logged.count');
    expect(jsonLines()).toHaveLength(3);
    for (const line of jsonLines()) expect(line).toMatchObject(fields('count'));
    expect(jsonLines().map(({ message }) => message)).toEqual(['counting', 'few left', { shelf: 7 }]);
  });

  it('adds the activity to every line of text', async () => {
    const { call } = await start(false);
    await call('Logged.count');
    for (const text of ['counting', 'few left']) {
      const line = lines().find((line) => line.includes(text))!;
      for (const [name, value] of Object.entries(fields('count')))
        expect(stripVTControlCharacters(line)).toMatch(new RegExp(`${name}.{1,3}${value}`));
    }
  });

  it('adds the activity to the line of a call that fails', async () => {
    const { call } = await start(true);
    const reply = await call('Logged.fail');
    expect(reply.text).not.toContain('disk');
    expect(jsonLines()).toEqual([expect.objectContaining({ level: 'error', ...fields('fail') })]);
    expect(written).toContain('the disk is full');
  });

  it.each(['http', 'number'])('does not log an error for callers (%s)', async (kind) => {
    const { call } = await start(true);
    await call('Logged.expected', [kind]);
    expect(written).toBe('');
  });

  it('does not change lines outside of calls', async () => {
    await start(true);
    new Logger('Outside').log('hello');
    const line = jsonLines().find(({ message }) => message === 'hello');
    expect(line).toBeDefined();
    expect(line).not.toHaveProperty('ActivityId');
  });

  it.each(['/middleware', '/interceptor', '/both/middleware'])(
    'adds the activity to the lines of a controller below %s',
    async (target) => {
      const { send } = await start(true);
      const reply = await send({ method: 'GET', target });
      expect(reply.json).toEqual({ id: 'activity-1', same: true });
      for (const line of jsonLines()) expect(line).toMatchObject(fields(''));
      expect(jsonLines()).toHaveLength(target.startsWith('/both') ? 0 : 3);
    },
  );

  it.each(['/middleware', '/interceptor'])(
    'adds a new id for each request without one below %s',
    async (target) => {
      const { send } = await start(true);
      const replies = await Promise.all(
        [1, 2].map(() => send({ method: 'GET', target, headers: { 'X-Correlation-ID': '' } })),
      );
      const ids = replies.map((reply) => reply.json.id);
      expect(ids[0]).toMatch(/^[-0-9a-f]{36}$/);
      expect(ids[0]).not.toBe(ids[1]);
    },
  );

  it('has no activity in a controller without correlation', async () => {
    const { send } = await start(true);
    expect((await send({ method: 'GET', target: '/none' })).json).toMatchObject({ activityId: '' });
  });
});
