import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ClientRequestContext, createRpcClient, createRpcServer } from '@linnet/backend/node';
import type { PlainRpcServer, RpcServerOptions } from '@linnet/backend/node';
import {
  createFetchServer,
  createRpcClient as createClient,
  IModelError,
  RpcInterface,
} from '@linnet/common';
import type { CallReport, RpcCallOptions } from '@linnet/common';
import { listen, plainNames, platforms } from './plain.servers.js';
import type { PlainServer } from './plain.servers.js';

abstract class Atlas extends RpcInterface {
  static readonly interfaceName = 'Atlas';
  static readonly interfaceVersion = '1.2.0';
  find(_what: string): Promise<string> {
    return this.forward(arguments);
  }
  around(): Promise<Record<string, unknown>> {
    return this.forward(arguments);
  }
  fail(): Promise<void> {
    return this.forward(arguments);
  }
  wait(): Promise<string> {
    return this.forward(arguments);
  }
}

/** Waits until it is told to go on. */
class Gate {
  open: () => void = () => undefined;
  readonly isOpen = new Promise<void>((resolve) => (this.open = resolve));
}

class AtlasImpl extends RpcInterface implements Atlas {
  readonly entered = new Gate();
  readonly goOn = new Gate();
  last: AbortSignal | undefined;

  async find(what: string) {
    return `${what} is here`;
  }
  async around(): Promise<Record<string, unknown>> {
    await Promise.resolve();
    const { activityId, sessionId, applicationId, accessToken, rpcMethod, user, deadline } =
      ClientRequestContext.current;
    return {
      activityId,
      sessionId,
      applicationId,
      accessToken,
      rpcMethod,
      user,
      hasDeadline: deadline !== undefined,
    };
  }
  async fail() {
    throw Object.assign(new Error('select * from robots'), { sql: 'select' });
  }
  async wait() {
    this.last = ClientRequestContext.current.signal;
    this.entered.open();
    await this.goOn.isOpen;
    return 'done';
  }
}

const running: PlainServer[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.stop()));
});

async function serve(
  platform: string,
  options: Partial<RpcServerOptions> = {},
  impl: object = new AtlasImpl(),
) {
  const rpc = createRpcServer({ interfaces: [[Atlas, impl as AtlasImpl]], ...options });
  const server = await listen(platforms[platform]!(rpc));
  running.push(server);
  const map = (more: RpcCallOptions = {}) =>
    createClient({ uriPrefix: server.url, retry: { limit: 0 }, ...more }).client(Atlas);
  return { rpc, ...server, map };
}

describe.each(plainNames)('a plain RPC server on %s', (platform) => {
  it('answers calls, and describes its endpoints', async () => {
    const { map, rpc, url } = await serve(platform, { info: { title: 'Maps', version: 'v2' } });
    expect(await map().find('the shelf')).toBe('the shelf is here');
    expect(rpc.endpoints).toMatchObject([{ interfaceName: 'Atlas', interfaceVersion: '1.2.0' }]);
    await createClient({ uriPrefix: url, interfaces: [Atlas] }).ready();
    expect(await (await fetch(`${url}/ping`)).text()).toBe('Success');
    expect(await (await fetch(`${url}/v3/swagger.json`)).json()).toMatchObject({
      openapi: '3.0.0',
      info: { title: 'Maps', version: 'v2' },
    });
  });

  it('answers only requests below its path', async () => {
    const { url } = await serve(platform, { path: '/api/', ping: false, openApi: false });
    for (const path of ['/', '/ping', '/v3/swagger.json', '/Atlas-1.2.0-find', '/apiary/Atlas-1.2.0-find'])
      expect([path, (await fetch(url + path, { method: 'POST' })).status]).toEqual([path, 404]);
    expect(
      await createClient({ uriPrefix: `${url}/api` })
        .client(Atlas)
        .find('it'),
    ).toBe('it is here');
  });

  it('provides the activity of a call in all its continuations', async () => {
    const { map } = await serve(platform);
    const options = {
      activityId: 'a1',
      timeoutMs: 60_000,
      headers: { Authorization: 'Bearer t', 'X-Session-Id': 's1' },
    };
    expect(await map().with(options).around()).toEqual({
      activityId: 'a1',
      sessionId: 's1',
      applicationId: '',
      accessToken: 'Bearer t',
      rpcMethod: 'around',
      hasDeadline: true,
    });
    expect(ClientRequestContext.isActive).toBe(false);
  });

  it('passes the activity on to the servers that it calls', async () => {
    const far = await serve(platform);
    class Near extends AtlasImpl {
      readonly own = createRpcClient({ uriPrefix: far.url }).client(Atlas);
      readonly trusting = createRpcClient({ uriPrefix: far.url, forwardAuthorization: true }).client(Atlas);
      override async around() {
        return { own: await this.own.around(), trusting: await this.trusting.around() };
      }
    }
    const near = await serve(platform, {}, new Near());
    const headers = { Authorization: 'Bearer t', 'X-Application-Id': 'app' };
    const seen = await near.map().with({ activityId: 'a2', timeoutMs: 60_000, headers }).around();
    const both = { activityId: 'a2', applicationId: 'app', hasDeadline: true };
    expect(seen).toMatchObject({
      own: { ...both, accessToken: '' },
      trusting: { ...both, accessToken: 'Bearer t' },
    });
  });

  it('lets the option around refuse calls, and set their user', async () => {
    const { map } = await serve(platform, {
      around: (call, next) => {
        if (call.activity.accessToken !== 'Badge 7')
          throw new IModelError(65574, `No ${call.target.operation}.`);
        call.activity.user = 'seven';
        return next();
      },
    });
    await expect(map().find('it')).rejects.toMatchObject({ errorNumber: 65574, message: 'No find.' });
    expect(await map({ headers: { Authorization: 'Badge 7' } }).around()).toMatchObject({ user: 'seven' });
  });

  it('hides an unexpected error from the client, and reports it', async () => {
    const reports: CallReport[] = [];
    const within: string[] = [];
    const { map } = await serve(platform, {
      report: (report) => {
        reports.push(report);
        within.push(ClientRequestContext.current.activityId);
      },
    });
    await expect(map().with({ activityId: 'a3' }).fail()).rejects.toMatchObject({
      message: 'Internal error',
      activityId: 'a3',
    });
    expect(reports).toMatchObject([{ kind: 'error', thrown: { sql: 'select' } }]);
    expect(within).toEqual(['a3']);
  });

  it('answers even if its report function throws', async () => {
    const { map } = await serve(platform, {
      report: () => {
        throw new Error('the disk is full');
      },
    });
    const { error } = console;
    const said: unknown[] = [];
    console.error = (...args: unknown[]) => said.push(args);
    try {
      await expect(map().fail()).rejects.toThrow('Internal error');
    } finally {
      console.error = error;
    }
    expect(JSON.stringify(said)).toContain('The report of an RPC server has failed');
  });

  it('refuses pages whose origins are not listed', async () => {
    const { url } = await serve(platform, { origins: ['https://app.example'] });
    const post = (headers: Record<string, string>) =>
      fetch(`${url}/Atlas-1.2.0-find`, {
        method: 'POST',
        headers: { 'X-Correlation-Id': 'o', 'Content-Type': 'text/plain', ...headers },
        body: '["it"]',
      });
    expect((await post({ Origin: 'https://evil.example' })).status).toBe(403);
    expect((await post({ Origin: 'null' })).status).toBe(403);
    const allowed = await post({ Origin: 'https://app.example' });
    expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([
      200,
      'https://app.example',
    ]);
    const preflight = await fetch(`${url}/Atlas-1.2.0-find`, {
      method: 'OPTIONS',
      headers: { Origin: 'https://app.example' },
    });
    expect([preflight.status, preflight.headers.get('access-control-allow-methods')]).toEqual([
      200,
      'POST, GET, OPTIONS',
    ]);
  });

  it('refuses a body above bodyBytes', async () => {
    const { map } = await serve(platform, { limits: { bodyBytes: 100 } });
    await expect(map().find('x'.repeat(100))).rejects.toMatchObject({ status: 413 });
  });

  it('serves no newer client with a strict versionCheck', async () => {
    const { url } = await serve(platform, { versionCheck: 'strict' });
    const newer = Object.create(Atlas, { interfaceVersion: { value: '1.2.1' } }) as typeof Atlas;
    const client = createClient({ uriPrefix: url });
    await expect(client.client(newer).find('it')).rejects.toMatchObject({ errorNumber: 135168 });
    expect(await client.client(Atlas).find('it')).toBe('it is here');
  });

  it('lets calls finish before it closes, and refuses new calls', async () => {
    const impl = new AtlasImpl();
    const { map, rpc } = await serve(platform, {}, impl);
    const slow = map().wait();
    await impl.entered.isOpen;
    const closed = rpc.close();
    await expect(map().find('it')).rejects.toMatchObject({ status: 503 });
    impl.goOn.open();
    expect([await slow, await closed]).toEqual(['done', 0]);
  });

  it('may be closed twice, and both wait for the same calls', async () => {
    const impl = new AtlasImpl();
    const { map, rpc } = await serve(platform, {}, impl);
    const answer = map().wait();
    await impl.entered.isOpen;
    const closed = [rpc.close(60_000), rpc.close(60_000)];
    impl.goOn.open();
    expect(await answer).toBe('done');
    expect(await Promise.all(closed)).toEqual([0, 0]);
    expect(await rpc.close()).toBe(0);
  });

  it('disconnects a call that does not finish before the timeout of close', async () => {
    const impl = new AtlasImpl();
    const { map, rpc } = await serve(platform, {}, impl);
    const slow = map().wait();
    slow.catch(() => undefined);
    await impl.entered.isOpen;
    expect(await rpc.close(1)).toBe(1);
    await expect(slow).rejects.toBeInstanceOf(Error);
    if (!impl.last!.aborted) await once(impl.last!, 'abort');
  });

  it('aborts the signal of a call whose client has left', async () => {
    const impl = new AtlasImpl();
    const { map } = await serve(platform, {}, impl);
    const leaving = new AbortController();
    const slow = map().with({ signal: leaving.signal }).wait();
    slow.catch(() => undefined);
    await impl.entered.isOpen;
    leaving.abort();
    if (!impl.last!.aborted) await once(impl.last!, 'abort');
  });
});

describe('plain RPC servers of one process', () => {
  it('are independent of each other', async () => {
    const one = createRpcServer({ interfaces: [[Atlas, AtlasImpl]] });
    const two = createRpcServer({ interfaces: [] });
    expect([one.endpoints.length, two.endpoints.length]).toEqual([1, 0]);
    await two.close();
    const answer = await one.fetch(request('/Atlas-1.2.0-find', '["it"]'));
    expect([answer.status, await answer.text()]).toEqual([200, '"it is here"']);
  });
});

describe('an implementation for createRpcServer', () => {
  class Half {
    async find() {
      return 'half';
    }
  }
  const refusals: [string, () => PlainRpcServer, string][] = [
    [
      'it is a class that lacks operations',
      () =>
        // @ts-expect-error -- the compiler sees it, too
        createRpcServer({ interfaces: [[Atlas, Half]] }),
      'Half does not implement around, fail, wait of RPC interface "Atlas"; serve [Atlas, Half, { partial: true }] if this is intended.',
    ],
    [
      'it is an object that lacks operations',
      () =>
        // @ts-expect-error -- the compiler sees it, too
        createRpcServer({ interfaces: [[Atlas, {}]] }),
      'the implementation of Atlas does not implement find',
    ],
    [
      'it only inherits the definition',
      () => createRpcServer({ interfaces: [[Atlas, class extends Atlas {}]] }),
      'does not implement find',
    ],
    [
      'its interface is listed twice',
      () =>
        createRpcServer({
          interfaces: [
            [Atlas, AtlasImpl],
            [Atlas, AtlasImpl],
          ],
        }),
      'Two implementations of RPC interface "Atlas".',
    ],
    [
      'the version of its interface is not valid',
      () =>
        createRpcServer({
          interfaces: [
            [Object.create(Atlas, { interfaceVersion: { value: 'new' } }) as typeof Atlas, AtlasImpl],
          ],
        }),
      'interfaceVersion "new" of "Atlas" is not a semantic version',
    ],
    [
      'a limit of the server is not valid',
      () => createRpcServer({ interfaces: [], limits: { bodyBytes: -1 } }),
      'bodyBytes',
    ],
  ];

  it.each(refusals)('is refused if %s', (_name, make, message) => {
    expect(make).toThrow(message);
  });

  it('may lack operations with the option partial', async () => {
    const rpc = createRpcServer({ interfaces: [[Atlas, Half, { partial: true }]] });
    expect(await (await rpc.fetch(request('/Atlas-1.2.0-find', '[]'))).text()).toBe('"half"');
    const lacking = await rpc.fetch(request('/Atlas-1.2.0-wait', '[]'));
    expect([lacking.status, await lacking.text()]).toEqual([
      500,
      expect.stringContaining('does not implement operation'),
    ]);
  });
});

function request(path: string, body: string, more: RequestInit = {}, host = 'http://localhost'): Request {
  const headers = { 'X-Correlation-Id': 'r', 'Content-Type': 'text/plain', ...(more.headers as object) };
  return new Request(host + path, { method: 'POST', body, ...more, headers });
}

describe('a fetch handler', () => {
  const make = (options: object = {}) => createFetchServer({ interfaces: [[Atlas, AtlasImpl]], ...options });

  it('answers requests of the fetch standard, and needs no `this`', async () => {
    const { fetch } = make();
    const answer = await fetch(request('/Atlas-1.2.0-find', '["it"]'));
    expect([answer.status, await answer.text()]).toEqual([200, '"it is here"']);
    expect(answer.headers.get('x-protocol-version')).toBe('2');
  });

  it('serves loopback host names, and those that are listed', async () => {
    const call = ['/Atlas-1.2.0-find', '["it"]', {}] as const;
    const local = { Origin: 'http://localhost:5173' };
    const statusOf = async (server: { fetch: typeof fetch }, host: string, headers = {}) =>
      (await server.fetch(request(call[0], call[1], { headers }, host))).status;
    for (const host of ['http://127.0.0.1:3000', 'http://[::1]', 'http://localhost:1'])
      expect([host, await statusOf(make() as never, host, local)]).toEqual([host, 200]);
    expect(await statusOf(make() as never, 'https://rebound.example')).toBe(403);
    const listed = make({ hosts: ['api.example.com'] }) as never;
    expect(await statusOf(listed, 'https://api.example.com')).toBe(200);
    expect(await statusOf(listed, 'https://api.example.com:8443')).toBe(200);
    expect(await statusOf(listed, 'https://api.example.com.evil.example')).toBe(403);
    // A page of somebody's own computer is nothing to a server that is elsewhere.
    expect(await statusOf(listed, 'https://api.example.com', local)).toBe(403);
  });

  it('answers with every valid status of mapError, and never rejects', async () => {
    let status = 0;
    const mapError = () => ({ status, body: { message: 'told' } });
    const { fetch } = createFetchServer({
      interfaces: [[Atlas, new AtlasImpl()]],
      mapError,
      report: () => undefined,
    });
    const statuses = [0, 100, 199, 204, 205, 304, 418, 599, 600, NaN];
    const answered: number[] = [];
    for (status of statuses) {
      const headers = { 'X-Correlation-Id': 'a', 'X-Protocol-Version': '2', 'Content-Type': 'text/plain' };
      const url = 'http://localhost/Atlas-1.2.0-fail';
      answered.push((await fetch(new Request(url, { method: 'POST', headers, body: '[]' }))).status);
    }
    expect(answered).toEqual([500, 500, 500, 204, 205, 304, 418, 599, 500, 500]);
  });

  it('answers with an error if the body was already read', async () => {
    const used = request('/Atlas-1.2.0-find', '["it"]');
    await used.text();
    const answer = await make().fetch(used);
    expect([answer.status, await answer.text()]).toEqual([500, expect.stringContaining('The body was read')]);
  });

  it('stops reading a body above the limit', async () => {
    let pulled = 0;
    const body = new ReadableStream({
      pull: (controller) => {
        pulled++;
        controller.enqueue(new Uint8Array(1000));
      },
    });
    const large = new Request('http://localhost/Atlas-1.2.0-find', {
      method: 'POST',
      headers: { 'X-Correlation-Id': 'r', 'Content-Type': 'text/plain' },
      body,
      duplex: 'half',
    });
    expect((await make({ limits: { bodyBytes: 10_000 } }).fetch(large)).status).toBe(413);
    expect(pulled).toBeLessThan(20);
  });

  it('refuses a body that breaks off, and an unknown content encoding', async () => {
    const broken = new ReadableStream({ start: (controller) => controller.error(new Error('gone')) });
    const init = { method: 'POST', body: broken, duplex: 'half' as const };
    const headers = { 'X-Correlation-Id': 'r', 'Content-Type': 'text/plain' };
    const cut = new Request('http://localhost/Atlas-1.2.0-find', { ...init, headers });
    expect((await make().fetch(cut)).status).toBe(400);
    const packed = request('/Atlas-1.2.0-find', 'x', { headers: { 'Content-Encoding': 'br' } });
    expect((await make().fetch(packed)).status).toBe(415);
  });

  it('aborts the signal of a call whose request was aborted before', async () => {
    const impl = new AtlasImpl();
    impl.goOn.open();
    const headers = { 'X-Correlation-Id': 'r', 'Content-Type': 'text/plain' };
    const init = { method: 'POST', headers, signal: AbortSignal.abort() };
    const { fetch } = createFetchServer({
      interfaces: [[Atlas, impl]],
      around: (call, next) => {
        impl.last = call.activity.signal;
        return next();
      },
    });
    await fetch(new Request('http://localhost/Atlas-1.2.0-find', { ...init, body: '["it"]' }));
    expect(impl.last?.aborted).toBe(true);
  });
});

it('a plain RPC server without a report function writes unexpected errors to the console', async () => {
  const { error } = console;
  const said: unknown[][] = [];
  console.error = (...args: unknown[]) => void said.push(args);
  try {
    const rpc = createRpcServer({ interfaces: [[Atlas, AtlasImpl]] });
    await rpc.fetch(
      request('/Atlas-1.2.0-fail', '[]', { headers: { 'X-Correlation-Id': 'line 1\\nline 2' } }),
    );
    await rpc.fetch(request('/Atlas-1.2.0-unknown', '[]'));
  } finally {
    console.error = error;
  }
  expect(said).toEqual([
    ['RPC "fail", ActivityId "line 1\\\\nline 2":', expect.objectContaining({ sql: 'select' })],
  ]);
});

it('the handler of a plain RPC server passes other requests to the next function', async () => {
  const rpc = createRpcServer({ interfaces: [[Atlas, AtlasImpl]] });
  const server = await listen(
    createServer((message, response) =>
      rpc.handler(message, response, () => response.end('of the application')),
    ),
  );
  running.push(server);
  expect(await (await fetch(`${server.url}/index.html`)).text()).toBe('of the application');
  expect(await createClient({ uriPrefix: server.url }).client(Atlas).find('it')).toBe('it is here');
});
