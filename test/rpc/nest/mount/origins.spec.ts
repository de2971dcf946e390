import { createRequire } from 'node:module';
import type { INestApplication } from '@nestjs/common';
import { RpcInterface } from '@linnet/backend';
import { closeApps, definitionOf, startApp, ways } from '../../../harness/nest.harness.js';
import type { AppSetup, TestApp } from '../../../harness/nest.harness.js';

// Nest's own; it comes without types.
const cors = createRequire(import.meta.url)('cors') as (options: object) => (...args: unknown[]) => void;

const good = 'https://ok.example';
const evil = 'https://evil.example';

@RpcInterface(definitionOf('Origins', 'go'))
class OriginsImpl {
  async go() {
    return 1;
  }
}

afterEach(closeApps);

describe.each(Object.entries(ways))('RPC by way of %s', (name, way) => {
  const start = (setup: AppSetup = {}) => startApp({ way, providers: [OriginsImpl], ...setup });
  const statusOf = async ({ call }: TestApp, headers: Record<string, string>) =>
    (await call('Origins.go', [], headers)).status;
  const preflight = ({ send }: TestApp, origin: string, target = '/Origins-1.0.0-go') =>
    send({
      method: 'OPTIONS',
      target,
      headers: { Origin: origin, 'Access-Control-Request-Method': 'POST' },
    });

  it.each<[string, AppSetup['options']]>([
    ['a list', { origins: [good] }],
    ['a function', { origins: (origin) => origin === good }],
  ])('serves the pages that origins allows as %s', async (_how, options) => {
    const testApp = await start({ options: options! });
    const reply = await testApp.call('Origins.go', [], { Origin: good });
    expect([reply.status, reply.text]).toEqual([200, '1']);
    expect(reply.headers['access-control-allow-origin']).toBe(good);
    const refused = await testApp.call('Origins.go', [], { Origin: evil });
    expect(refused.status).toBe(403);
    expect(refused.headers['access-control-allow-origin']).toBeUndefined();
    expect(await statusOf(testApp, { Origin: 'null' })).toBe(403);
    expect(await statusOf(testApp, {})).toBe(200);
    expect((await preflight(testApp, good)).headers['access-control-allow-origin']).toBe(good);
    expect((await preflight(testApp, evil)).status).toBe(403);
  });

  it('passes the request to the origins function', async () => {
    const seen: unknown[] = [];
    const origins = (origin: string, head: { method: string; target: string }) =>
      seen.push([origin, head.method, head.target]) > 0;
    await statusOf(await start({ options: { origins } }), { Origin: good });
    expect(seen).toEqual([[good, 'POST', '/Origins-1.0.0-go']]);
  });

  it('answers 500 if the origins function throws', async () => {
    const origins = () => {
      throw new Error('bug in origins');
    };
    const { call, log } = await start({ options: { origins } });
    const reply = await call('Origins.go', [], { Origin: good });
    expect(reply.status).toBe(500);
    expect(reply.json.message).toContain('Internal error');
    expect(reply.text).not.toContain('bug');
    expect(log.find('error', 'bug in origins')).toHaveLength(1);
  });

  it('lists the allowed headers of RPC and of the application in a preflight', async () => {
    const plain = await preflight(await start(), 'http://localhost:1');
    const more = await preflight(
      await start({ options: { allowedHeaders: ['X-Tenant', 'X-Trace'] } }),
      'http://localhost:1',
    );
    const before = String(plain.headers['access-control-allow-headers']).split(', ');
    const after = String(more.headers['access-control-allow-headers']).split(', ');
    expect(before).toEqual(expect.arrayContaining(['Authorization', 'X-Correlation-Id']));
    expect(after).toEqual([...before, 'X-Tenant', 'X-Trace']);
  });

  it('answers a preflight of every path with catchAll', async () => {
    const testApp = await start({ options: { catchAll: true } });
    for (const target of ['/x/Nope-1.0.0-a', '/nohyphen', '/', '/a/b?c=d']) {
      const reply = await preflight(testApp, 'http://localhost:1', target);
      expect(reply.status).toBe(200);
      expect(reply.headers['access-control-allow-origin']).toBe('http://localhost:1');
    }
    expect((await preflight(testApp, evil, '/nohyphen')).status).toBe(403);
  });

  it.each([
    ['localhost', 200],
    ['LOCALHOST:80', 200],
    ['127.0.0.1:1', 200],
    ['[::1]:1', 200],
    ['app.localhost', 200],
    ['proxy.example.com', 200],
    ['Proxy.Example.com:8443', 200],
    ['ported.example.com:8443', 200],
    ['ported.example.com', 403],
    ['other.example.com', 403],
    ['proxy.example.com.evil.example', 403],
    ['localhost.evil.example', 403],
    ['10.0.0.1', 403],
  ])('answers a call to the host "%s" with %d', async (host, status) => {
    const hosts = ['proxy.example.com', 'ported.example.com:8443'];
    expect(await statusOf(await start({ options: { hosts } }), { Host: host })).toBe(status);
  });

  it('serves a page of a listed host', async () => {
    const testApp = await start({ options: { hosts: ['proxy.example.com'] } });
    const headers = { Host: 'proxy.example.com', Origin: 'https://proxy.example.com' };
    expect(await statusOf(testApp, headers)).toBe(200);
    expect(await statusOf(testApp, { ...headers, Origin: evil })).toBe(403);
  });

  // Fastify has no such middleware without a plugin.
  if (name !== 'Fastify') {
    it('ignores a CORS middleware of another path', async () => {
      const testApp = await start({
        options: { origins: [good] },
        configure: (app) => app.use('/public', cors({ origin: '*' })),
      });
      expect(await statusOf(testApp, { Origin: evil })).toBe(403);
      expect((await preflight(testApp, evil)).status).toBe(403);
      const reply = await testApp.call('Origins.go', [], { Origin: good });
      expect([reply.status, reply.headers['access-control-allow-origin']]).toEqual([200, good]);
    });
  }

  it.each<[string, AppSetup]>([
    ['enableCors()', { configure: (app: INestApplication) => app.enableCors() }],
    ['cors: true', { appOptions: { cors: true } }],
  ])('obeys %s instead of origins', async (_how, setup) => {
    const testApp = await start({ options: { origins: [good] }, ...setup });
    const reply = await testApp.call('Origins.go', [], { Origin: evil });
    expect([reply.status, reply.headers['access-control-allow-origin']]).toEqual([200, '*']);
    const asked = await preflight(testApp, evil);
    expect([asked.status, asked.headers['access-control-allow-origin']]).toEqual([204, '*']);
  });
});
