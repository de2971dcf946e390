import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { linnetDocument, RpcInterface } from '@linnet/backend';
import type { RpcModuleOptions } from '@linnet/backend';
import { of } from 'rxjs';

import type { RpcStream } from '@linnet/common';
import { readContract } from '../../../libs/cli/src/read/contract.reader.js';
import { openSources } from '../../../libs/cli/src/read/program.js';
import { Robots } from '../../cli/definitions/robots.js';
import { validate } from '../../cli/openapi.validator.js';
import type { Page, Position, Robot } from '../../cli/definitions/robots.js';
import { GeneratedClient } from '../../harness/generated.client.js';
import { closeApps, startApp, ways } from '../../harness/nest.harness.js';
import type { TestApp } from '../../harness/nest.harness.js';

const robot: Robot = { id: '0x1', x: 1, y: 2, parts: [], state: 'idle', greet: () => undefined };

@RpcInterface(Robots)
class RobotsImpl implements Pick<Robots, keyof Robots> {
  async list(_token: object, limit = 0): Promise<Page<Robot>> {
    return { items: limit > 0 ? [robot] : [] };
  }
  async find(id: string) {
    return id === robot.id ? robot : undefined;
  }
  async photo(ids: string[]) {
    return Uint8Array.from(ids, Number);
  }
  async *follow(id: string): AsyncIterable<Position> {
    for (const x of [1, 2]) yield { x, y: id.length };
  }
  async upload(_name: string, content: RpcStream<Uint8Array>) {
    uploaded = 0;
    for await (const chunk of content) uploaded += chunk.length;
  }
  async rename(id: string, ...names: string[]) {
    if (names.length === 0) throw Object.assign(new Error(`${id} needs a name`), { errorNumber: 7 });
  }
  async built() {
    return new Date(0);
  }
  async tags([name, value]: [name: string, value?: number]) {
    return { [name]: value === 1 };
  }
}

@Controller()
class PlainController {
  @Get('plain')
  plain() {
    return 'plain';
  }
}

let uploaded = 0;
const contract = readContract(openSources(join(import.meta.dirname, '../../cli/definitions'), ['robots.ts']));
const info = { title: 'Warehouse', version: 'v2.0' };
const setup = { providers: [RobotsImpl], controllers: [PlainController] };

afterAll(closeApps);

describe.each(Object.entries(ways))('the documents of an application on %s', (_name, way) => {
  it('are served beside the document of iTwin.js, which does not change', async () => {
    const options = { info, path: '/api' };
    const plain = await startApp({ ...setup, way, options });
    const app = await startApp({ ...setup, way, options: { ...options, docs: { contract } } });
    const swagger = { method: 'GET', target: '/api/v3/swagger.json' };
    expect((await app.send(swagger)).text).toBe((await plain.send(swagger)).text);
    const openApi = await app.send({ method: 'GET', target: '/api/v3/openapi.json' });
    expect(openApi.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(await validate(openApi.json)).toMatchObject({ valid: true, version: '3.1' });
    expect(Object.keys(openApi.json.paths)).toContain('/api/Robots-1.2.0-find');
    expect((await app.send({ method: 'GET', target: '/api/v3/asyncapi.json' })).json.asyncapi).toBe('3.0.0');
    expect((await plain.send({ method: 'GET', target: '/api/v3/openapi.json' })).status).toBe(404);
  });

  it('let calls be JSON by name, which a server without them refuses', async () => {
    const call = {
      target: '/Robots-1.2.0-tags',
      headers: { 'content-type': 'application/json', 'x-correlation-id': 'a' },
      body: '[["new",1]]',
    };
    const app = await startApp({ ...setup, way, options: { docs: { contract } } });
    const reply = await app.send(call);
    expect([reply.status, reply.headers['content-type']]).toEqual([200, 'application/json; charset=utf-8']);
    expect(reply.json).toEqual({ new: true });
    const text = await app.send({ ...call, headers: { ...call.headers, 'content-type': 'text/plain' } });
    expect(text.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect((await (await startApp({ ...setup, way })).send(call)).status).toBe(415);
  });
});

@Injectable()
class KeyStore {
  readonly key = 'open';
}

@Injectable()
class KeyGuard implements CanActivate {
  constructor(private readonly store: KeyStore) {}

  canActivate(context: ExecutionContext) {
    const http = context.switchToHttp();
    const { headers } = http.getRequest<{ headers: Record<string, string> }>();
    if (headers['x-key'] === 'broken') throw new Error('10.0.0.7');
    if (headers['x-key'] !== 'login') return headers['x-key'] === this.store.key;
    const response = http.getResponse<ServerResponse & { raw?: ServerResponse }>();
    (response.raw ?? response).writeHead(302, { location: '/login' }).end();
    return false;
  }
}

describe.each(Object.entries(ways))('documents behind a guard on %s', (_name, way) => {
  const start = (guards: NonNullable<RpcModuleOptions['docs']>['guards']) =>
    startApp({
      ...setup,
      way,
      providers: [RobotsImpl, KeyStore, KeyGuard],
      options: { path: '/api', docs: { contract, guards } },
    });
  const read = (app: TestApp, key?: string, method = 'GET', target = '/api/v3/openapi.json') =>
    app.send({ method, target, headers: key === undefined ? {} : { 'x-key': key } });

  it('are read by those whom all guards admit', async () => {
    const app = await start([{ canActivate: () => of(true) }, KeyGuard]);
    for (const method of ['GET', 'HEAD'])
      for (const target of ['/api/v3/openapi.json', '/api/v3/asyncapi.json', '/api/v3/openapi.json?x=1']) {
        expect((await read(app, undefined, method, target)).status).toBe(403);
        const reply = await read(app, 'open', method, target);
        expect([reply.status, reply.headers['cache-control']]).toEqual([200, 'no-store']);
      }
    const refused = await read(app);
    expect(refused.json).toEqual({ message: 'Forbidden resource', error: 'Forbidden', statusCode: 403 });
    expect((await read(app, 'open')).json.openapi).toBe('3.1.0');
    const call = await app.send({ target: '/api/Robots-1.2.0-built', body: '[]' });
    expect(call.status).toBe(200);
    expect((await read(app, undefined, 'GET', '/api/v3/swagger.json')).status).toBe(200);
  });

  it('are not reached by another spelling of their path', async () => {
    const app = await start([KeyGuard]);
    const spellings = ['/api//v3/openapi.json', '/api/v3/openapi.json/', '/api/v3/OpenAPI.json'];
    for (const target of [...spellings, '/api/v3/%6fpenapi.json', '/api/v3/./openapi.json'])
      expect([target, [403, 404]]).toEqual([
        target,
        expect.arrayContaining([(await read(app, undefined, 'GET', target)).status]),
      ]);
  });

  it('are answered by a guard that writes an answer, and not by one that fails', async () => {
    const app = await start([KeyGuard]);
    const login = await read(app, 'login');
    expect([login.status, login.headers['location']]).toEqual([302, '/login']);
    const broken = await read(app, 'broken');
    expect([broken.status, broken.text.includes('10.0.0.7')]).toEqual([500, false]);
  });
});

/** The addresses of the scripts of a page. */
const scriptsOf = (html: string) => [...html.matchAll(/<script src="([^"]+)"/g)].map(([, src]) => src!);

describe.each(Object.entries(ways))('the page of the documents on %s', (_name, way) => {
  const start = (docs: RpcModuleOptions['docs'], path?: string) =>
    startApp({
      ...setup,
      way,
      providers: [RobotsImpl, KeyStore, KeyGuard],
      options: { info: { title: 'Ware<house', version: 'v2' }, docs, ...(path && { path }) },
    });

  it.each(['/docs', '/docs/'])('is at %s, with a policy for no other host', async (target) => {
    const app = await start({ path: '/docs' });
    const page = await app.send({ method: 'GET', target });
    expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.text).toContain('<title>Ware&lt;house</title>');
    const policy = Object.fromEntries(
      page.headers['content-security-policy']!.toString()
        .split('; ')
        .map((each) => [each.split(' ', 1)[0], each.split(' ').slice(1)]),
    );
    expect(policy).toMatchObject({
      'default-src': ["'none'"],
      'script-src': ["'self'"],
      'connect-src': ["'self'"],
    });
    expect(
      Object.values(policy)
        .flat()
        .filter((source) => /[./*]/.test(source as string)),
    ).toEqual([]);
    for (const src of scriptsOf(page.text)) {
      const { pathname, search } = new URL(src, `http://host${target}`);
      expect(pathname).toMatch(/^\/docs\/\w+\.js$/);
      const script = await app.send({ method: 'GET', target: pathname + search });
      expect([script.status, script.headers['content-type']]).toEqual([
        200,
        'text/javascript; charset=utf-8',
      ]);
      expect(script.headers['cache-control']).toMatch(/max-age=\d{8}, immutable/);
    }
  });

  it('lies under the path of RPC, and names the way from its scripts to it', async () => {
    const app = await start({ path: '/pages/docs' }, '/api');
    const page = await app.send({ method: 'GET', target: '/api/pages/docs' });
    const [, options] = /<script id="options"[^>]*>(.*?)<\/script>/.exec(page.text)!;
    expect(JSON.parse(options!)).toEqual({ title: 'Ware<house', up: '../../../', hasChannels: false });
    expect(
      (await app.send({ method: 'GET', target: '/api/pages/docs/openapi.json' })).json.paths,
    ).toHaveProperty(['/api/Robots-1.2.0-find']);
  });

  it('has a script that is compressed for clients that can read it', async () => {
    const app = await start({ path: '/docs' });
    const read = (encoding: string) =>
      app.send({ method: 'HEAD', target: '/docs/scalar.js', headers: { 'accept-encoding': encoding } });
    const [small, whole] = [await read('gzip, br'), await read('br')];
    expect([small.headers['content-encoding'], whole.headers['content-encoding']]).toEqual([
      'gzip',
      undefined,
    ]);
    expect(small.headers['vary']).toContain('Accept-Encoding');
    const decoded = await fetch(`http://127.0.0.1:${app.port}/docs/scalar.js`);
    expect(await decoded.text()).toContain('createApiReference');
  });

  it('is off by default', async () => {
    for (const docs of [undefined, { contract }]) {
      const app = await start(docs);
      for (const target of ['/docs', '/v3', '/v3/', '/v3/page.js', '/v3/scalar.js'])
        expect([target, (await app.send({ method: 'GET', target })).status]).toEqual([target, 404]);
    }
  });

  it('is behind the guards of the documents, with its scripts', async () => {
    const app = await start({ path: '/docs', guards: [KeyGuard] });
    const targets = [
      '/docs',
      '/docs/',
      '/docs/page.js',
      '/docs/scalar.js',
      '/docs/openapi.json',
      '/docs/asyncapi.json',
    ];
    const read = async (target: string, headers = {}) =>
      (await app.send({ method: 'GET', target, headers })).status;
    for (const target of targets)
      expect([target, await read(target), await read(target, { 'x-key': 'open' })]).toEqual([
        target,
        403,
        200,
      ]);
  });
});

describe('the documents of RpcModule', () => {
  it('have a path of their own', async () => {
    const app = await startApp({ ...setup, options: { docs: { contract, path: 'docs/' } } });
    expect((await app.send({ method: 'GET', target: '/docs/openapi.json' })).json.openapi).toBe('3.1.0');
    expect((await app.send({ method: 'GET', target: '/v3/openapi.json' })).status).toBe(404);
  });

  it('leave out what is not served, and warn of what the contract lacks', async () => {
    const { built: _built, ...operations } = contract.interfaces['Robots']!.operations;
    const interfaces = { Robots: { version: '1.2.0', operations }, Other: { version: '1.0.0', operations } };
    const app = await startApp({ ...setup, options: { docs: { contract: { ...contract, interfaces } } } });
    const { json } = await app.send({ method: 'GET', target: '/v3/openapi.json' });
    expect(Object.keys(json.paths).filter((path) => path.includes('Other'))).toEqual([]);
    // An operation that the contract lacks can be called all the same.
    expect(Object.keys(json.paths)).toContain('/Robots-1.2.0-built');
    expect(
      app.log.find(
        'warn',
        'The contract of the RPC interface "Robots" does not have built: run linnet contract anew.',
      ),
    ).toHaveLength(1);
  });

  it('warn of a contract of another version', async () => {
    const interfaces = { Robots: { ...contract.interfaces['Robots']!, version: '1.1.0' } };
    const app = await startApp({ ...setup, options: { docs: { contract: { ...contract, interfaces } } } });
    expect(app.log.find('warn', 'The contract has "Robots" 1.1.0, and 1.2.0 is served')).toHaveLength(1);
  });

  it('merge into the document of the controllers', async () => {
    const { app } = await startApp({
      ...setup,
      options: { docs: { contract } },
      configure: (configured) =>
        SwaggerModule.setup('api', configured, () =>
          linnetDocument(configured, SwaggerModule.createDocument(configured, new DocumentBuilder().build())),
        ),
    });
    const document = linnetDocument(app, SwaggerModule.createDocument(app, new DocumentBuilder().build()));
    expect(Object.keys(document.paths)).toEqual(expect.arrayContaining(['/plain', '/Robots-1.2.0-find']));
    expect(await validate(JSON.parse(JSON.stringify(document)) as object)).toMatchObject({ valid: true });
    const address = app.getHttpServer().address() as { port: number };
    const served = await fetch(`http://127.0.0.1:${address.port}/api-json`);
    expect(Object.keys(((await served.json()) as { paths: object }).paths)).toContain('/Robots-1.2.0-find');
  });

  it('cannot be merged without the option', async () => {
    const { app } = await startApp(setup);
    expect(() => linnetDocument(app)).toThrow('set RpcModule.forRoot({ docs: { contract } })');
  });
});

describe('a client that is generated from the document', () => {
  let client: GeneratedClient;

  beforeAll(async () => {
    const app = await startApp({ ...setup, options: { info, docs: { contract } } });
    const { json } = await app.send({ method: 'GET', target: '/v3/openapi.json' });
    client = await GeneratedClient.of(json as object, `http://127.0.0.1:${app.port}`);
  });
  afterAll(() => client?.remove());

  const call: GeneratedClient['call'] = (...args) => client.call(...args);

  it('has a function for every operation', () => {
    const names = Object.keys(contract.interfaces['Robots']!.operations);
    expect(client.names).toEqual(names.map((name) => GeneratedClient.nameOf(`Robots_${name}`)).toSorted());
  });

  it('calls operations with values', async () => {
    const path = { iTwinId: 't', iModelId: 'm', changesetId: '0' };
    const listed = await call('robotsList', [{ iTwinId: 't', iModelId: 'm' }, 1], { path });
    expect(listed.data.items).toMatchObject([{ id: '0x1' }]);
    expect((await call('robotsFind', ['0x1'])).data).toMatchObject({ id: '0x1', state: 'idle' });
    expect((await call('robotsBuilt', [])).data).toBe('1970-01-01T00:00:00.000Z');
    expect((await call('robotsTags', [['new', 1]])).data).toEqual({ new: true });
    expect((await call('robotsRename', ['0x1', 'a', 'b'])).error).toBeUndefined();
  });

  it('reads errors', async () => {
    const { error, response } = await call('robotsRename', ['0x1']);
    expect(response.status).toBe(500);
    expect(error).toMatchObject({ isError: true, message: expect.any(String) });
  });

  it('receives bytes', async () => {
    const { data } = await call('robotsPhoto', [['1', '2']]);
    expect(new Uint8Array(await (data as Blob).arrayBuffer())).toEqual(Uint8Array.of(1, 2));
  });

  it('receives a stream', async () => {
    const headers = { 'X-Correlation-ID': 'a', Accept: 'text/event-stream' };
    const { stream } = await call('robotsFollow', ['0x1'], { headers });
    const items: unknown[] = [];
    for await (const item of stream) items.push(item);
    expect(items).toEqual([
      { x: 1, y: 3 },
      { x: 2, y: 3 },
      // The event `end`, which has no data.
      '',
    ]);
  });

  it('sends a stream', async () => {
    const objects = JSON.stringify([
      'a.bin',
      { isBinary: true, isStream: true, index: 0, size: 0, chunks: 1 },
    ]);
    const { error } = await call('robotsUpload', { objects, 'stream-0': new Blob([new Uint8Array(1000)]) });
    expect([error, uploaded]).toEqual([undefined, 1000]);
  });
});
