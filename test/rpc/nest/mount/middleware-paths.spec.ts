import { Injectable, Module } from '@nestjs/common';
import type { MiddlewareConsumer, NestMiddleware, NestModule } from '@nestjs/common';
import { RpcInterface } from '@linnet/backend';
import { closeApps, definitionOf, startApp, ways } from '../../../harness/nest.harness.js';

@RpcInterface(definitionOf('Guarded', 'read'))
class GuardedImpl {
  async read() {
    return 'secret';
  }
}

@Injectable()
class Refuse implements NestMiddleware {
  use(_request: unknown, response: any) {
    response.statusCode = 401;
    response.end('who are you?');
  }
}

const operation = 'Guarded-1.0.0-read';
const targets = [
  `/rpc/${operation}`,
  `/rpc/${operation}/`,
  `/rpc/x/y/${operation}`,
  `/rpc/t/v/mode/1/context/a/imodel/b/changeset/0/${operation}`,
];

afterEach(closeApps);

describe.each(Object.entries(ways))('middleware of RPC, by way of %s,', (name, way) => {
  function start(route: string | undefined, prefix: boolean) {
    @Module({})
    class MiddlewareModule implements NestModule {
      configure(consumer: MiddlewareConsumer) {
        if (route !== undefined) consumer.apply(Refuse).forRoutes(route);
      }
    }
    return startApp({
      way,
      imports: [MiddlewareModule],
      providers: [GuardedImpl, Refuse],
      options: prefix ? {} : { path: 'rpc' },
      configure: (app) => {
        if (prefix) app.setGlobalPrefix('rpc');
        if (route === undefined)
          app.use('/rpc', (request: unknown, response: any) => new Refuse().use(request, response));
      },
    });
  }
  const warning = 'does not run for RPC';

  // As docs/security.md says.
  it.each<[string, string, string | undefined, boolean]>([
    ['forRoutes("{*path}")', 'the global prefix', '{*path}', true],
    ['forRoutes("{*path}")', 'the path option', '{*path}', false],
    ['forRoutes("rpc/*path")', 'the path option', 'rpc/*path', false],
    ['app.use("/rpc")', 'the global prefix', undefined, true],
    ['app.use("/rpc")', 'the path option', undefined, false],
  ])('covers every call with %s below %s', async (_how, _place, route, prefix) => {
    const { send, log } = await start(route, prefix);
    for (const target of targets)
      expect([target, (await send({ target, body: '[]' })).text]).toEqual([target, 'who are you?']);
    expect(log.find('warn', warning)).toEqual([]);
  });

  it('causes a warning if it covers no call', async () => {
    const { send, log } = await start('rpc', false);
    const isExact = name === 'Fastify';
    const texts = await Promise.all(targets.map(async (target) => (await send({ target, body: '[]' })).text));
    expect(texts).toEqual(targets.map(() => (isExact ? '"secret"' : 'who are you?')));
    expect(log.find('warn', warning)).toHaveLength(isExact ? 1 : 0);
  });
});
