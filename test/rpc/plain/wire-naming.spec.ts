import { afterEach, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { RpcInterface as Implements, RpcModule } from '@linnet/backend';
import { ClientRequestContext, createRpcServer } from '@linnet/backend/node';
import type { RpcServerOptions } from '@linnet/backend/node';
import {
  createRpcClient,
  wireNaming,
  IModelError,
  RpcInterface,
  RpcNotFoundResponse,
  RpcOperation,
  RpcPendingResponse,
} from '@linnet/common';
import type { WireNamingProps, IModelRpcProps, RpcClientOptions } from '@linnet/common';
import { send } from '../../conformance/http/raw.client.js';
import { adapterNames, startServer } from '../../conformance/tables/server.js';
import { listen, plainNames, platforms } from './plain.servers.js';
import type { PlainServer } from './plain.servers.js';

abstract class Shelf extends RpcInterface {
  static readonly interfaceName = 'Shelf';
  static readonly interfaceVersion = '1.0.0-dev.1';
  echo(..._values: unknown[]): Promise<unknown[]> {
    return this.forward(arguments);
  }
  @RpcOperation({ allowResponseCaching: true })
  plan(..._values: unknown[]): Promise<string> {
    return this.forward(arguments);
  }
  who(): Promise<object> {
    return this.forward(arguments);
  }
  survey(): Promise<string> {
    return this.forward(arguments);
  }
  fail(): Promise<void> {
    return this.forward(arguments);
  }
  lack(): Promise<string> {
    return this.forward(arguments);
  }
}

@Implements(Shelf)
class ShelfImpl implements Shelf {
  #surveyed = 0;
  async echo(...values: unknown[]) {
    return values;
  }
  async plan() {
    return 'x'.repeat(2000);
  }
  async who() {
    const { activityId, accessToken, sessionId } = ClientRequestContext.current;
    return { activityId, accessToken, sessionId };
  }
  async survey() {
    if (this.#surveyed++ % 2 === 0) throw new RpcPendingResponse('half');
    return 'done';
  }
  async fail(): Promise<void> {
    throw new IModelError(65574, 'There is no such shelf.');
  }
  async lack(): Promise<string> {
    throw new RpcNotFoundResponse();
  }
}

/** `/rpc/1.0.0/Shelf/echo` or `/rpc/1.0.0/Shelf/echo/for/T/M/C`. */
const naming = wireNaming({
  paths: {
    write: ({ interfaceName, version, operation, token }) => {
      const names = [version, interfaceName, operation];
      if (token) names.push('for', token.iTwinId ?? '', token.iModelId ?? '', token.changeset?.id ?? '');
      return `/rpc/${names.map(encodeURIComponent).join('/')}`;
    },
    read: (path) => {
      const [, root, version = '', interfaceName = '', operation = '', marker, ...ids] = path.split('/');
      decodeURIComponent(operation);
      if (root !== 'rpc') return undefined;
      const [iTwinId = '', iModelId = '', id = ''] = ids;
      const token = marker === 'for' ? { iTwinId, iModelId, changeset: { id } } : undefined;
      return { interfaceName, version, operation, token };
    },
  },
  headers: { 'X-Correlation-Id': 'X-Request-Id', Authorization: 'X-Badge', 'Retry-After': 'X-Come-Back' },
  statuses: { 202: 299, 404: 470 },
});

const running: PlainServer[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.stop()));
});

async function serve(platform: string, options: Partial<RpcServerOptions> = {}) {
  const rpc = createRpcServer({
    naming,
    interfaces: [[Shelf, ShelfImpl]],
    report: () => undefined,
    ...options,
  });
  const server = await listen(platforms[platform]!(rpc));
  running.push(server);
  return server;
}

const clientAt = (uriPrefix: string, more: RpcClientOptions = {}) =>
  createRpcClient({
    uriPrefix,
    naming,
    pendingIntervalMs: 10,
    retry: { limit: 0 },
    interfaces: [Shelf],
    ...more,
  });

async function everything(url: string): Promise<void> {
  const client = clientAt(url);
  await client.ready();
  const shelf = client.client(Shelf);
  expect(await shelf.echo(1, Uint8Array.of(2), 'é')).toEqual([1, Uint8Array.of(2), 'é']);
  const token: IModelRpcProps = { key: '', iTwinId: 'T', iModelId: 'M', changeset: { id: 'C' } };
  expect(await shelf.echo(token)).toEqual([token]);
  expect(await shelf.plan(token)).toHaveLength(2000);
  const headers = { 'X-Badge': 'Badge 7', 'X-Session-Id': 's' };
  expect(await shelf.with({ activityId: 'a', headers }).who()).toEqual({
    activityId: 'a',
    accessToken: 'Badge 7',
    sessionId: 's',
  });
  expect(await shelf.survey()).toBe('done');
  await expect(shelf.fail()).rejects.toMatchObject({
    errorNumber: 65574,
    message: 'There is no such shelf.',
  });
  const repaired = clientAt(url, {
    onNotFound: ({ response }) => {
      expect(response).toMatchObject({ message: 'Not found' });
      return false;
    },
  });
  await expect(repaired.client(Shelf).lack()).rejects.toMatchObject({ name: 'NotFound' });
}

describe.each(plainNames)('a naming on %s', (platform) => {
  it('carries every kind of call', async () => {
    await everything((await serve(platform)).url);
    await everything(`${(await serve(platform, { path: '/api' })).url}/api`);
  });

  const post = (server: PlainServer, target: string, headers: Record<string, string> = {}, body = '[]') =>
    send(server.port, {
      method: 'POST',
      target,
      headers: Object.entries({
        'Content-Type': 'text/plain',
        'Content-Length': String(body.length),
        'X-Protocol-Version': '2',
        ...headers,
      }),
      body: { text: body },
    });

  it('determines the names in requests and answers', async () => {
    const server = await serve(platform, { origins: ['https://app.example'] });
    const own = { 'X-Request-Id': 'a', Origin: 'https://app.example' };
    const pending = await post(server, '/rpc/1.0.0-dev.1/Shelf/survey', own);
    expect(pending.status).toBe(299);
    expect(pending.headers['access-control-allow-headers']).toContain('X-Request-Id');
    expect(pending.headers['access-control-allow-headers']).not.toContain('X-Correlation-Id');
    expect(pending.headers['access-control-expose-headers']).toBe(
      'X-Protocol-Version, X-Come-Back, X-Linnet-Not-Begun',
    );
    expect(pending.headers['vary']).toBe('Accept-Encoding, X-Badge, X-Protocol-Version, Origin');
    expect((await post(server, '/rpc/1.0.0-dev.1/Shelf/fail', own)).status).toBe(470);
    const preflight = await send(server.port, {
      method: 'OPTIONS',
      target: '/rpc/1.0.0-dev.1/Shelf/fail',
      headers: [['Origin', 'https://app.example']],
    });
    expect([preflight.status, preflight.headers['access-control-allow-headers']]).toEqual([
      200,
      expect.stringContaining('X-Badge'),
    ]);
  });

  it('replaces the path and header names of iTwin.js', async () => {
    const server = await serve(platform);
    const id = { 'X-Request-Id': 'a' };
    // The path and header names of iTwin.js mean nothing: a gateway in front may check its own names only.
    expect((await post(server, '/Shelf-1.0.0-dev.1-echo', id)).status).toBe(404);
    const both = await post(server, '/rpc/1.0.0-dev.1/Shelf/who', {
      ...id,
      Authorization: 'forged',
      'X-Correlation-Id': 'forged',
    });
    expect(JSON.parse(both.body.toString())).toEqual({ activityId: 'a', accessToken: '', sessionId: '' });
    const without = await post(server, '/rpc/1.0.0-dev.1/Shelf/who', { 'X-Correlation-Id': 'forged' });
    expect([without.status, without.body.toString()]).toEqual([
      400,
      expect.stringContaining('Missing required activity ID'),
    ]);
  });

  it('rejects names that a path of iTwin.js cannot carry', async () => {
    const server = await serve(platform);
    for (const path of [
      '/rpc/1.0.0/Shelf-1.0.0-dev.1-echo/x',
      '/rpc/x/Shelf/a-b',
      '/rpc/1.0.0-dev.1//echo',
      '/rpc/1.0.0-dev.1/Shelf/%zz',
      '/rpc',
      '/',
    ])
      expect([path, (await post(server, path, { 'X-Request-Id': 'a' })).status]).toEqual([path, 404]);
    const token = '{"iTwinId":"t","iModelId":"m","changeset":{"id":"c"}}';
    const odd = await post(
      server,
      '/rpc/1.0.0-dev.1/Shelf/echo/for/%2Fcontext%2FEVIL/imodel/',
      { 'X-Request-Id': 'a' },
      `[${token}]`,
    );
    expect(JSON.parse(odd.body.toString())).toMatchObject([
      { iTwinId: '%2Fcontext%2FEVIL', iModelId: 'imodel' },
    ]);
  });
});

describe.each(adapterNames)('a naming in Nest on %s', (adapter) => {
  @Module({ imports: [RpcModule.forRoot({ naming })], providers: [ShelfImpl] })
  class ShelfModule {}

  it('carries every kind of call', async () => {
    const server = await startServer(ShelfModule, adapter);
    running.push(server);
    await everything(server.url);
  });
});

describe('a token in the path of a naming', () => {
  /** `/echo/for/A%2FB`: names the model, decoded, and leaves the rest to the argument. */
  const byModel = wireNaming({
    paths: {
      write: ({ operation, token }) =>
        `/${operation}${token ? `/for/${encodeURIComponent(token.iModelId ?? '')}` : ''}`,
      read: (path) => {
        const [, operation = '', , iModelId] = path.split('/').map(decodeURIComponent);
        const token = iModelId === undefined ? undefined : { iModelId };
        return { interfaceName: 'Shelf', version: '1.0.0-dev.1', operation, token };
      },
    },
  });

  it('arrives as the naming read it, and is not a mismatch', async () => {
    const server = await serve('node:http', { naming: byModel, throwOnTokenMismatch: true });
    const shelf = clientAt(server.url, { naming: byModel, interfaces: [] }).client(Shelf);
    const tokens: IModelRpcProps[] = [
      { key: 'k', iTwinId: 'T', iModelId: 'a/b c%2F', changeset: { id: 'C', index: 3 } },
      { key: 'k', iTwinId: 'x/y', iModelId: 'm', changeset: { id: '' } },
      { key: 'm:0', iTwinId: '', iModelId: 'm', changeset: { id: '0' } },
    ];
    for (const token of tokens) expect(await shelf.echo(token, 1)).toEqual([token, 1]);
  });

  it('replaces the token argument, which is unchanged if the path has no token', async () => {
    const server = await serve('node:http', { naming: byModel });
    const echo = async (target: string) => {
      const body = '[{"key":"k","iTwinId":"t","iModelId":"imodel/context","changeset":{"id":"c"}}]';
      const headers = { 'X-Correlation-Id': 'a', 'Content-Type': 'text/plain' };
      const answer = await fetch(server.url + target, { method: 'POST', headers, body });
      return ((await answer.json()) as unknown[])[0];
    };
    const token = { key: 'k', iTwinId: 't', iModelId: 'imodel/context', changeset: { id: 'c' } };
    expect(await echo('/echo')).toEqual(token);
    expect(await echo('/echo/for/EVIL')).toEqual({ ...token, iModelId: 'EVIL' });
    // Again: what a target names is remembered.
    expect(await echo('/echo/for/EVIL')).toEqual({ ...token, iModelId: 'EVIL' });
  });

  it('does not change the path that the option around sees', async () => {
    const paths: unknown[] = [];
    const server = await serve('node:http', {
      naming: byModel,
      around: (call, next) => {
        paths.push(call.transport.kind === 'http' && call.transport.path);
        return next();
      },
    });
    const shelf = clientAt(server.url, { naming: byModel, interfaces: [] }).client(Shelf);
    await shelf.echo({ iTwinId: 't', iModelId: 'a/b' });
    expect(paths).toEqual(['/echo/for/a%2Fb']);
  });
});

describe('a naming', () => {
  it('may rename a single header', async () => {
    const part = wireNaming({ headers: { 'x-correlation-id': 'Traceparent' } });
    const rpc = createRpcServer({ naming: part, interfaces: [[Shelf, ShelfImpl]] });
    const server = await listen(platforms['node:http']!(rpc));
    running.push(server);
    const client = createRpcClient({ uriPrefix: server.url, naming: part });
    expect(await client.client(Shelf).with({ activityId: 'a' }).who()).toMatchObject({ activityId: 'a' });
  });

  it.each<WireNamingProps>([
    { statuses: { 202: 299, 404: 299 } },
    { statuses: { 202: 200 } },
    { statuses: { 200: 404 } },
    { statuses: { 500: 422 } },
    { headers: { 'X-Session-Id': 'X-Id', 'X-Application-Id': 'x-id' } },
    { headers: { 'X-Correlation-Id': 'X-Session-Id' } },
    { headers: { 'X-Correlation-Id': 'content-type' } },
    { headers: { 'Retry-After': 'Vary' } },
    { headers: { 'X-Correlation-Id': 'X-Linnet-Timeout' } },
  ])('is refused if a name gets two meanings: %j', (props) => {
    expect(() => wireNaming(props)).toThrow('A naming gives two meanings to');
  });

  it('is refused if a header gets two names', () => {
    const headers = { 'X-Session-Id': 'b', 'x-session-id': 'c' };
    expect(() => wireNaming({ headers })).toThrow('A naming renames x-session-id twice.');
  });

  it.each([100, 199, 204, 205, 302, 304, 600, 299.5, NaN])(
    'is refused if it answers with status %d',
    (status) => {
      expect(() => wireNaming({ statuses: { 202: status } })).toThrow(`cannot answer with status ${status}.`);
    },
  );

  it.each(['', 'X Id', 'X-Id:', 'é'])('is refused if it has the header %j', (name) => {
    expect(() => wireNaming({ headers: { 'X-Session-Id': name } })).toThrow(
      `A naming cannot call a header "${name}".`,
    );
  });

  it('may exchange two names', async () => {
    const swapped = wireNaming({
      headers: { 'X-Session-Id': 'X-Correlation-Id', 'X-Correlation-Id': 'X-Session-Id', Vary: 'vary' },
      statuses: { 200: 202, 202: 200, 404: 404 },
    });
    const server = await serve('node:http', { naming: swapped });
    const headers = { 'X-Correlation-Id': 's', 'X-Session-Id': 'a', 'Content-Type': 'text/plain' };
    const target = `${server.url}/Shelf-1.0.0-dev.1-who`;
    const answer = await fetch(target, { method: 'POST', headers, body: '[]' });
    expect([answer.status, await answer.json()]).toEqual([
      202,
      { activityId: 'a', accessToken: '', sessionId: 's' },
    ]);
  });

  it('receives every path if the server has catchAll', async () => {
    const server = await serve('node:http', { catchAll: true });
    const answer = await fetch(`${server.url}/anything`, { method: 'POST', body: '[]' });
    expect([answer.status, await answer.text()]).toEqual([
      400,
      expect.stringContaining('The path names no operation.'),
    ]);
  });
});
