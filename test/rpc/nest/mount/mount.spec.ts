import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import { Controller, Get, Post } from '@nestjs/common';
import type { INestApplication, MiddlewareConsumer, NestModule } from '@nestjs/common';
import { jest } from '@jest/globals';
import { ExpressAdapter } from '@nestjs/platform-express';
import type { NestExpressApplication } from '@nestjs/platform-express';
import express from 'express';
import helmet from 'helmet';
import request from 'supertest';
import { RpcInterface } from '@linnet/backend';
import { LinnetExpressAdapter } from '@linnet/backend/express';
import {
  closeApps,
  definitionOf,
  makeApp,
  rpcHeaders,
  send,
  startApp,
} from '../../../harness/nest.harness.js';
import type { AppSetup, TestApp } from '../../../harness/nest.harness.js';

@RpcInterface(definitionOf('Way', 'go', 'bytes'))
class WayImpl {
  async go(...args: unknown[]) {
    return args;
  }
  async bytes() {
    return Uint8Array.from([1]);
  }
}

@Controller('cats')
class CatsController {
  @Get()
  list() {
    return 'cats';
  }
  @Post()
  add() {
    return 'added';
  }
}

const adapters: Record<string, () => ExpressAdapter> = {
  'the stock Express adapter': () => new ExpressAdapter(),
  LinnetExpressAdapter: () => new LinnetExpressAdapter(),
};
const slow = 'goes through Express, which is slower';
const pass = (_request: unknown, _response: unknown, next: () => void) => next();

afterEach(closeApps);

describe.each(Object.entries(adapters))('the mount of RPC on %s', (_name, adapter) => {
  const start = (
    configure: (app: NestExpressApplication) => unknown = () => undefined,
    setup: AppSetup = {},
  ) =>
    startApp({
      way: { adapter },
      providers: [WayImpl],
      controllers: [CatsController],
      configure: (app) => configure(app as NestExpressApplication),
      ...setup,
    });
  /** Whether a call goes through Express. */
  const isSlow = async ({ app, send }: TestApp, target = '/Way-1.0.0-go') => {
    const handle = jest.spyOn(app.getHttpAdapter().getInstance() as { handle: () => void }, 'handle');
    const reply = await send({ target, body: '[1]' });
    const { length } = handle.mock.calls;
    handle.mockRestore();
    expect(reply.text).toBe('[1]');
    return length > 0;
  };

  it('bypasses Express without middleware', async () => {
    const testApp = await start();
    expect(await isSlow(testApp)).toBe(false);
    expect(testApp.log.find('log', slow)).toEqual([]);
  });

  it('bypasses Express if Nest adds only its body parsers', async () => {
    expect(await isSlow(await start(undefined, { appOptions: { rawBody: true } }))).toBe(false);
    expect(await isSlow(await start(undefined, { appOptions: { bodyParser: false } }))).toBe(false);
  });

  it('runs middleware that the application added before its start', async () => {
    const seen: string[] = [];
    const testApp = await start((app) =>
      app.use(function auditing(req: { url: string }, _res: unknown, next: () => void) {
        seen.push(req.url);
        next();
      }),
    );
    expect(await isSlow(testApp)).toBe(true);
    await testApp.call('Way.go', []);
    expect(seen).toHaveLength(2);
    expect(testApp.log.find('log', slow)).toEqual([`RPC that reaches middleware "auditing" ${slow}.`]);
  });

  it('does not run middleware of other paths', async () => {
    const testApp = await start((app) => app.use('/admin', pass));
    expect(await isSlow(testApp)).toBe(false);
    expect(await isSlow(testApp, '/admin/Way-1.0.0-go')).toBe(true);
  });

  it('comes before middleware that is added after the start, as controllers do', async () => {
    const testApp = await start();
    let late = 0;
    testApp.app.use((_request: unknown, _response: unknown, next: () => void) => {
      late++;
      next();
    });
    await testApp.send({ method: 'GET', target: '/cats' });
    expect(await isSlow(testApp)).toBe(false);
    expect(late).toBe(0);
  });

  it('notices a layer that is added before it later', async () => {
    const testApp = await start((app) => app.use('/admin', pass));
    expect(await isSlow(testApp)).toBe(false);
    const instance = testApp.app.getHttpAdapter().getInstance() as ReturnType<typeof express>;
    instance.use(pass);
    const { stack } = instance.router;
    stack.unshift(stack.pop()!);
    expect(await isSlow(testApp)).toBe(true);
    stack.shift();
    expect(await isSlow(testApp)).toBe(false);
  });

  describe('with a MiddlewareConsumer', () => {
    const seen: string[] = [];
    const withMiddleware = (...routes: any[]) => {
      class Configured implements NestModule {
        configure(consumer: MiddlewareConsumer) {
          consumer
            .apply((req: { originalUrl: string }, _res: unknown, next: () => void) => {
              seen.push(req.originalUrl);
              next();
            })
            .forRoutes(...routes);
        }
      }
      return Configured;
    };
    beforeEach(() => seen.splice(0));

    it('runs its middleware', async () => {
      const testApp = await start(undefined, { imports: [withMiddleware('*path')] });
      expect(await isSlow(testApp)).toBe(true);
      expect(seen).toEqual(['/Way-1.0.0-go']);
    });

    it('runs its middleware under the global prefix', async () => {
      const testApp = await start((app) => app.setGlobalPrefix('api'), {
        imports: [withMiddleware('*path')],
      });
      const reply = await testApp.send({ target: '/api/Way-1.0.0-go', body: '[1]' });
      expect(reply.text).toBe('[1]');
      expect(seen).toEqual(['/api/Way-1.0.0-go']);
    });

    it('does not run the middleware of a controller', async () => {
      const testApp = await start(undefined, { imports: [withMiddleware(CatsController)] });
      expect(await isSlow(testApp)).toBe(false);
      expect((await testApp.send({ method: 'GET', target: '/cats' })).text).toBe('cats');
      expect(seen).toEqual(['/cats']);
    });
  });

  describe('under a global prefix', () => {
    it.each(['api', '/api', 'api/'])('serves calls only below %s', async (prefix) => {
      const { send } = await start((app) => app.setGlobalPrefix(prefix));
      expect((await send({ target: '/api/Way-1.0.0-go', body: '[1]' })).text).toBe('[1]');
      expect((await send({ target: '/api/a/b/Way-1.0.0-go', body: '[1]' })).text).toBe('[1]');
      for (const target of ['/Way-1.0.0-go', '/apix/Way-1.0.0-go', '/API/Way-1.0.0-go']) {
        const reply = await send({ target, body: '[1]' });
        expect(reply.status).toBe(404);
        expect(reply.text).toContain(`Cannot POST ${target}`);
      }
      expect((await send({ method: 'GET', target: '/api/ping' })).text).toBe('Success');
      expect((await send({ method: 'GET', target: '/ping' })).status).toBe(404);
      expect(
        Object.keys((await send({ method: 'GET', target: '/api/v3/swagger.json' })).json.paths)[0],
      ).toMatch(/^\/api\//);
    });

    it('serves calls below the path option instead, if it is set', async () => {
      const { send } = await start((app) => app.setGlobalPrefix('api'), { options: { path: '/rpc' } });
      expect((await send({ target: '/rpc/Way-1.0.0-go', body: '[1]' })).text).toBe('[1]');
      expect((await send({ target: '/api/Way-1.0.0-go', body: '[1]' })).status).toBe(404);
    });
  });

  describe.each([
    ['enableCors()', (app: INestApplication) => app.enableCors({ origin: 'https://page.example' }), {}],
    ['cors: true', () => undefined, { cors: { origin: 'https://page.example' } }],
  ])('with %s', (_how, configure, appOptions) => {
    it('leaves CORS to the application', async () => {
      const { call, send } = await start(configure as never, { appOptions });
      const reply = await call('Way.go', [1], { Origin: 'https://elsewhere.example' });
      expect(reply.status).toBe(200);
      expect(reply.headers['access-control-allow-origin']).toBe('https://page.example');
      expect(reply.headers['access-control-expose-headers']).toBeUndefined();
      expect(reply.headers['vary']).toContain('X-Protocol-Version');
      const preflight = await send({
        method: 'OPTIONS',
        target: '/Way-1.0.0-go',
        headers: { Origin: 'https://page.example', 'Access-Control-Request-Method': 'POST' },
      });
      expect(preflight.status).toBe(204);
      expect(preflight.headers['access-control-allow-origin']).toBe('https://page.example');
    });
  });

  it('answers CORS if the application does not', async () => {
    const { call } = await start();
    expect((await call('Way.go', [1], { Origin: 'https://elsewhere.example' })).status).toBe(403);
    const reply = await call('Way.go', [1], { Origin: 'http://localhost:3000' });
    expect(reply.headers['access-control-allow-origin']).toBe('http://localhost:3000');
  });

  it('keeps the headers of helmet and of Nest', async () => {
    const helmeted = await start((app) => app.use(helmet()));
    expect((await helmeted.call('Way.go', [])).headers).toMatchObject({
      'x-content-type-options': 'nosniff',
    });
    const secured = await start((app) => app.useSecurityHeaders());
    expect((await secured.call('Way.go', [])).headers).toMatchObject({ 'x-content-type-options': 'nosniff' });
  });

  it('does not bypass the CSRF protection of Nest', async () => {
    const { call } = await start((app) => app.enableCsrfProtection());
    const foreign = { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' };
    expect((await call('Way.go', [1], foreign)).status).toBe(403);
    expect((await call('Way.go', [1])).text).toBe('[1]');
  });

  it('runs the hooks of the adapter', async () => {
    const seen: string[] = [];
    const testApp = await start((app) => {
      const hooked = app.getHttpAdapter() as unknown as ExpressAdapter;
      hooked.setOnRequestHook((req: { url: string }, _res: unknown, done: () => void) => {
        seen.push(req.url);
        done();
      });
    });
    expect(await isSlow(testApp)).toBe(true);
    expect(seen).toEqual(['/Way-1.0.0-go']);
    expect(testApp.log.find('log', slow)).toEqual([`RPC that reaches a hook of the adapter ${slow}.`]);
  });

  it('runs the middleware of return503OnClosing', async () => {
    expect(await isSlow(await start(undefined, { appOptions: { return503OnClosing: true } }))).toBe(true);
  });

  it('does not run the middleware of static files for POST', async () => {
    const testApp = await start((app) => app.useStaticAssets(import.meta.dirname));
    expect(await isSlow(testApp)).toBe(false);
    expect((await testApp.send({ method: 'GET', target: '/mount.spec.ts' })).text).toContain('static files');
  });

  it('works without listening', async () => {
    const { app } = await makeApp({ way: { adapter }, providers: [WayImpl] });
    await app.init();
    const reply = await request(app.getHttpServer() as Server)
      .post('/Way-1.0.0-go')
      .set(rpcHeaders)
      .send('[1]');
    expect(reply.text).toBe('[1]');
    await app.close();
  });

  it('goes through Express if the server has another listener', async () => {
    const heard: string[] = [];
    const testApp = await start((app) =>
      app.getHttpServer().prependListener('request', (req: IncomingMessage) => heard.push(req.url!)),
    );
    expect(await isSlow(testApp)).toBe(true);
    expect(heard).toEqual(['/Way-1.0.0-go']);
    expect(testApp.log.find('log', 'request listener of its own')).toHaveLength(1);
  });

  it('serves an application that is mounted on another server', async () => {
    const { app } = await makeApp({ way: { adapter }, providers: [WayImpl] });
    await app.init();
    const outer = express().use('/nest', app.getHttpAdapter().getInstance());
    const server = createServer(outer).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const reply = await send(port, { target: '/nest/Way-1.0.0-go', body: '[1]' });
    server.close();
    await app.close();
    expect(reply.text).toBe('[1]');
  });
});
