import type { Logger } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import express from 'express';
import fc from 'fast-check';
import { RpcInterface } from '@linnet/backend';
import { LinnetExpressAdapter } from '@linnet/backend/express';
import { MiddlewareMap } from '../../../../libs/backend/src/http/express.middleware.js';
import { closeApps, definitionOf, LogRecorder, startApp } from '../../../harness/nest.harness.js';

const segments = [
  'api',
  'API',
  'secure',
  'Secure',
  'a',
  'b',
  '.',
  '..',
  '',
  '%73ecure',
  '%2e%2e',
  'x%2Fy',
  '%zz',
];
const segment = fc.constantFrom(...segments, 'secure;x', 'secure.', 'ä', '%', 'secure\\x', 'x#y');
const path = fc.array(segment, { maxLength: 4 }).map((parts) => `/${parts.join('/')}`);
const target = fc
  .tuple(
    fc.constantFrom('', '', '', '', 'http://host', '//host', '*', 'x'),
    path,
    fc.constantFrom('/I-1.0.0-op', '/I-1.0.0-op/', '', '/'),
    fc.constantFrom('', '', '?', '?a=/secure', '?#', '#', '#?', '?\t', '?a?b'),
  )
  .map((parts) => parts.join(''));
const mounted = fc.constantFrom(
  '/',
  '/secure',
  '/secure/',
  '/api',
  '/api/*path',
  '/*path',
  '/secure/*path',
  '/api{/*path}',
  '/:any/secure',
  ['/a', '/secure'],
  /^\/sec/,
  /secure/i,
  '/a/b',
);
const kind = fc.constantFrom('use', 'use', 'all', 'post', 'get', 'router', 'error');
const method = fc.constantFrom('POST', 'GET', 'HEAD', 'OPTIONS');
const settings = fc.record({ sensitive: fc.boolean(), strict: fc.boolean() });

const quiet = new LogRecorder() as unknown as Logger;
type Middleware = (request: object, response: object, next: () => void) => void;

afterEach(closeApps);

describe('the map of middleware', () => {
  it('reports every middleware that Express would run', () => {
    let compared = 0;
    let ran = false;
    const property = fc.property(
      fc.array(fc.tuple(kind, mounted), { minLength: 1, maxLength: 3 }),
      settings,
      fc.array(fc.tuple(method, target), { minLength: 1, maxLength: 8 }),
      (layers, { sensitive, strict }, requests) => {
        const app = express();
        app.set('case sensitive routing', sensitive).set('strict routing', strict);
        const adapter = new ExpressAdapter(app);
        const map = new MiddlewareMap(adapter as AbstractHttpAdapter, app as never, quiet);
        const run = (_req: unknown, _res: unknown, next: () => void) => {
          ran = true;
          next();
        };
        for (const [kind, path] of layers) {
          if (kind === 'router') app.use(path, express.Router().use(run));
          else if (kind === 'error')
            app.use(path, (_e: unknown, _q: unknown, _s: unknown, next: any) => next());
          else app[kind as 'use'](path as '/', run);
        }
        const end = (_req: unknown, _res: unknown) => undefined;
        app.use(end);
        map.endsAt(end);
        for (const [method, url] of requests) {
          ran = false;
          const request = { method, url, headers: {} };
          const response = { setHeader: () => undefined, locals: {} };
          (app.router as unknown as Middleware)(request, response, () => undefined);
          if (!ran) continue;
          compared++;
          if (!map.meetsMiddleware(method, url)) throw new Error(`${method} ${url} walks around it.`);
          // Asked again, it comes from memory.
          if (!map.meetsMiddleware(method, url))
            throw new Error(`${method} ${url} walks around it the second time.`);
        }
      },
    );
    fc.assert(property, { numRuns: 2000 });
    expect(compared).toBeGreaterThan(500);
  });

  it('reports no middleware of other paths', () => {
    const app = express();
    const adapter = new ExpressAdapter(app);
    const map = new MiddlewareMap(adapter as AbstractHttpAdapter, app as never, quiet);
    app.use('/admin', () => undefined);
    app.get('/x/I-1.0.0-op', () => undefined);
    expect(map.meetsMiddleware('POST', '/I-1.0.0-op')).toBe(false);
    expect(map.meetsMiddleware('POST', '/x/I-1.0.0-op')).toBe(false);
    expect(map.meetsMiddleware('HEAD', '/x/I-1.0.0-op')).toBe(true);
    expect(map.meetsMiddleware('POST', '/administrator/I-1.0.0-op')).toBe(false);
    expect(map.meetsMiddleware('POST', '/admin/I-1.0.0-op')).toBe(true);
  });

  it('reports the same for ten thousand different paths', () => {
    const app = express();
    const adapter = new ExpressAdapter(app);
    const map = new MiddlewareMap(adapter as AbstractHttpAdapter, app as never, quiet);
    app.use('/admin', () => undefined);
    for (let i = 0; i < 10_000; i++) expect(map.meetsMiddleware('POST', `/${i}/I-1.0.0-op`)).toBe(false);
  });
});

@RpcInterface(definitionOf('Secret', 'read'))
class SecretImpl {
  async read() {
    return 'secret';
  }
}

describe.each([
  ['the stock Express adapter', () => new ExpressAdapter()],
  ['LinnetExpressAdapter', () => new LinnetExpressAdapter()],
])('an authorizing middleware on %s', (_name, adapter) => {
  const start = (mount: string) =>
    startApp({
      way: { adapter },
      providers: [SecretImpl],
      configure: (app) => app.use(mount, (_req: unknown, res: any) => res.status(401).send('who are you?')),
    });
  const operation = 'Secret-1.0.0-read';

  it.each([
    `/api/${operation}`,
    `/API/${operation}`,
    `/api/../${operation}`,
    `/api/./${operation}`,
    `/api//${operation}`,
    `/api/x/y/${operation}`,
    `/api/${operation}?`,
    `/api/${operation}?#`,
    `/api/${operation}/`,
    `http://127.0.0.1/api/${operation}`,
    `/api/mode/1/context/a/imodel/b/changeset/0/${operation}`,
  ])('runs for the target %s', async (target) => {
    for (const mount of ['/api', '/api/*path']) {
      const { send } = await start(mount);
      for (const method of ['POST', 'GET'])
        expect((await send({ method, target, body: '[]' })).text).not.toContain('secret');
      const reply = await send({ target, body: '[]' });
      expect([reply.status, reply.text]).toEqual([401, 'who are you?']);
    }
  });

  it('runs for every prefix that a client can choose if it covers everything', async () => {
    const { send } = await start('/');
    for (const prefix of ['', '/', '/../..', '/%2e%2e', '/x', '//', '/mode/1/imodel/2', '/%zz', '/\\'])
      expect((await send({ target: `${prefix}/${operation}`, body: '[]' })).text).not.toContain('secret');
  });

  it('cannot be bypassed under a global prefix', async () => {
    const { send } = await startApp({
      way: { adapter },
      providers: [SecretImpl],
      configure: (app) => {
        app.setGlobalPrefix('api');
        app.use('/api/*path', (_req: unknown, res: any) => res.status(401).send('who are you?'));
      },
    });
    for (const target of [
      '/api/',
      '/',
      '/x/',
      '/api/../',
      '//api/',
      '/%61pi/',
      '/API/',
      '/./api/',
      '/x/../api/',
    ])
      expect((await send({ target: target + operation, body: '[]' })).text).not.toContain('secret');
  });
});
