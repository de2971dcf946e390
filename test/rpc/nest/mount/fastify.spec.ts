import { All, Controller, Get } from '@nestjs/common';
import type { MiddlewareConsumer, NestModule } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import request from 'supertest';
import { RpcInterface } from '@linnet/backend';
import { closeApps, definitionOf, makeApp, rpcHeaders, startApp } from '../../../harness/nest.harness.js';
import type { AppSetup } from '../../../harness/nest.harness.js';

@RpcInterface(definitionOf('Way', 'go', 'size'))
class WayImpl {
  async go(...args: unknown[]) {
    return args;
  }
  async size(bytes: Uint8Array) {
    return bytes.byteLength;
  }
}

afterEach(closeApps);

describe('the mount of RPC on Fastify', () => {
  const start = (
    configure: (app: NestFastifyApplication) => unknown = () => undefined,
    setup: AppSetup = {},
  ) =>
    startApp({
      way: { adapter: () => new FastifyAdapter() },
      providers: [WayImpl],
      configure: (app) => configure(app as NestFastifyApplication),
      ...setup,
    });

  it.each([
    ['enableCors()', (app: any) => app.enableCors({ origin: 'https://page.example' }), {}],
    ['cors: true', () => undefined, { cors: { origin: 'https://page.example' } }],
  ])('leaves CORS to the application with %s', async (_how, configure, appOptions) => {
    const { call, send } = await start(configure, { appOptions });
    const reply = await call('Way.go', [1], { Origin: 'https://elsewhere.example' });
    expect(reply.status).toBe(200);
    expect(reply.headers['access-control-allow-origin']).toBe('https://page.example');
    const preflight = await send({
      method: 'OPTIONS',
      target: '/Way-1.0.0-go',
      headers: { Origin: 'https://page.example', 'Access-Control-Request-Method': 'POST' },
    });
    expect(preflight.status).toBe(204);
  });

  it('runs hooks and middleware of the application, under its prefix', async () => {
    const seen: string[] = [];
    class Configured implements NestModule {
      configure(consumer: MiddlewareConsumer) {
        consumer
          .apply((req: { originalUrl: string }, _res: unknown, next: () => void) => {
            seen.push(`middleware ${req.originalUrl}`);
            next();
          })
          .forRoutes('*path');
      }
    }
    const { send } = await start(
      (app) => {
        app.setGlobalPrefix('api');
        app
          .getHttpAdapter()
          .getInstance()
          .addHook('onRequest', async (request: { url: string }) => {
            seen.push(`hook ${request.url}`);
          });
      },
      { imports: [Configured] },
    );
    const target = '/api/Way-1.0.0-go';
    expect((await send({ target, body: '[1]' })).text).toBe('[1]');
    expect(seen).toEqual([`hook ${target}`, `middleware ${target}`]);
    expect((await send({ target: '/Way-1.0.0-go', body: '[1]' })).status).toBe(404);
    expect((await send({ method: 'GET', target: '/api/ping' })).text).toBe('Success');
  });

  it.each(['/api/*path', '*path'])('does not bypass a middleware on %s', async (mount) => {
    class Refusing implements NestModule {
      configure(consumer: MiddlewareConsumer) {
        consumer.apply((_req: unknown, res: any) => res.writeHead(401).end('who are you?')).forRoutes(mount);
      }
    }
    const { send } = await start(undefined, { imports: [Refusing] });
    for (const prefix of ['/api', '/api/x', '/api/../api', '/api/.', '/api//x', '/api/%2e%2e']) {
      const reply = await send({ target: `${prefix}/Way-1.0.0-go`, body: '[1]' });
      expect([reply.status, reply.text]).toEqual([401, 'who are you?']);
    }
  });

  it('reads bodies under the limits of RPC, even if the application has a parser for them', async () => {
    const { call, send } = await start((app) => app.useBodyParser('text/plain', { bodyLimit: 10 }));
    expect((await call('Way.go', ['more than ten bytes'])).json).toEqual(['more than ten bytes']);
    const reply = await send({
      target: '/Way-1.0.0-size',
      headers: { 'Content-Type': 'application/octet-stream' },
      body: Buffer.alloc(2_000_000),
    });
    expect(reply.text).toBe('2000000');
    expect((await call('Way.go', ['x'.repeat(6 * 1024 * 1024)])).status).toBe(413);
  });

  it('warns if a wildcard route of the application hides its GET routes', async () => {
    @Controller()
    class Everything {
      @Get('*')
      all() {
        return 'mine';
      }
    }
    const { call, send, log } = await start(undefined, { controllers: [Everything] });
    expect((await send({ method: 'GET', target: '/ping' })).text).toBe('mine');
    expect((await call('Way.go', [1])).text).toBe('[1]');
    expect(log.find('warn', 'has a route GET /*, so that RPC does not answer GET')).toHaveLength(1);
  });

  it('starts beside a route of the application for all methods', async () => {
    @Controller('mine')
    class Mine {
      @All('*')
      all() {
        return 'mine';
      }
    }
    const { call, send } = await start(undefined, { controllers: [Mine] });
    expect((await send({ target: '/mine/Way-1.0.0-go', body: '[1]' })).text).toBe('mine');
    expect((await call('Way.go', [1])).text).toBe('[1]');
  });

  it('works without listening', async () => {
    const { app } = await makeApp({ way: { adapter: () => new FastifyAdapter() }, providers: [WayImpl] });
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
    const reply = await request(app.getHttpServer()).post('/Way-1.0.0-go').set(rpcHeaders).send('[1]');
    expect(reply.text).toBe('[1]');
    await app.close();
  });
});
