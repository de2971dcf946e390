import { describe, expect, it } from '@jest/globals';
import { createRpcClient } from '@linnet/common';
import type { HttpRequest, RpcClientEvent, RpcClientOptions, RpcCallContext } from '@linnet/common';
import { argumentsOf, failureOf, Robots, ScriptedServer } from './scripted.send.js';

const token = { iTwinId: 'a b/c', iModelId: 'm#1', changeset: { id: 'cs1' } };

function clientOf(options: RpcClientOptions = {}, server = new ScriptedServer({ body: '1' })) {
  const client = createRpcClient({ send: server.send, ...options });
  return { client, server, robots: client.client(Robots) };
}

/** The request that a call makes. */
async function sent(
  call: (robots: ReturnType<typeof clientOf>['robots']) => unknown,
  options?: RpcClientOptions,
) {
  const { robots, server } = clientOf(options);
  await call(robots);
  return server.requests[0]!;
}

const bodyOf = ({ body }: HttpRequest) => Buffer.concat(body as Uint8Array[]).toString('latin1');

describe('a request of an RPC client', () => {
  it('goes to the path of the wire', async () => {
    const info = { title: 'Fleet', version: 'v2' };
    const request = await sent((robots) => robots.count(token, 2), { uriPrefix: 'https://h/api/', info });
    expect(request).toMatchObject({
      method: 'POST',
      url: 'https://h/api/Fleet/v2/mode/1/context/a%20b%2Fc/imodel/m%231/changeset/cs1/Robots-1.2.0-count',
      body: JSON.stringify([token, 2]),
    });
  });

  it('is routed by the first token among the arguments, else by that of the call or the client', async () => {
    const at = async (options: RpcClientOptions, ...args: unknown[]) =>
      /imodel\/(.*)\/changeset\/(.*)\//
        .exec((await sent((robots) => robots.count(...args), options)).url)
        ?.slice(1);
    expect(await at({ token }, 1, { iModelId: 'first' }, { iModelId: 'second' })).toEqual(['first', '0']);
    expect(await at({ token }, { iModelId: 7 }, null)).toEqual(['m%231', 'cs1']);
    expect(await at({}, 1)).toBeUndefined();
    expect(await at({}, { iModelId: 'm', changeset: { id: '' } })).toEqual(['m', '0']);
    // A character that ends a path would make another request of it.
    expect(await at({}, { iModelId: 'm', changeset: { id: 'a/b?c' } })).toEqual(['m', 'a%2Fb%3Fc']);
  });

  it('has headers with the application, the session and the credentials', async () => {
    const { headers } = await sent((robots) => robots.count(), {
      applicationId: 'app',
      applicationVersion: '1.2',
      sessionId: 's',
      authorization: 'Bearer t',
    });
    expect(headers).toMatchObject({
      'x-correlation-id': expect.stringMatching(/^[\da-f-]{36}$/),
      'x-protocol-version': '2',
      'x-application-id': 'app',
      'x-application-version': '1.2',
      'x-session-id': 's',
      authorization: 'Bearer t',
      'content-type': 'text/plain',
      'x-linnet-client': '1',
    });
    const bare = await sent((robots) => robots.count(), { ownHeaders: false, timeoutMs: 5000 });
    expect(Object.keys(bare.headers).filter((name) => /authorization|linnet/.test(name))).toEqual([]);
  });

  it('has the headers option of the client, and of the call, which wins', async () => {
    const { robots, server } = clientOf({ headers: { 'X-A': 'a', 'X-B': 'b' } });
    await robots
      .with({ headers: { 'X-C': 'c' } })
      .with({ headers: { 'X-B': 'd', 'x-session-id': 'own' } })
      .count();
    expect(server.requests[0]!.headers).toMatchObject({
      'x-a': 'a',
      'x-b': 'd',
      'x-c': 'c',
      'x-session-id': 'own',
    });
  });

  it('of a page goes to its origin, and has our headers for other origins only with ownHeaders', async () => {
    const place = globalThis as { location?: { origin: string } };
    place.location = { origin: 'https://page' };
    try {
      const own = async (options: RpcClientOptions) => {
        const { url, headers } = await sent((robots) => robots.count(), options);
        return [url.replace(/linnet.*/, ''), headers['x-linnet-client']];
      };
      expect(await own({})).toEqual(['https://page/', '1']);
      expect(await own({ uriPrefix: '/api/' })).toEqual(['/api/', '1']);
      expect(await own({ uriPrefix: 'https://page/api' })).toEqual(['https://page/api/', '1']);
      expect(await own({ uriPrefix: 'https://other' })).toEqual(['https://other/', undefined]);
      expect(await own({ uriPrefix: 'https://other', ownHeaders: true })).toEqual(['https://other/', '1']);
      // A sandboxed frame is of no origin.
      place.location = { origin: 'null' };
      expect(() => createRpcClient({})).toThrow('uriPrefix needs');
    } finally {
      delete place.location;
    }
  });

  it('that cannot be sent rejects with the reason', async () => {
    const server = new ScriptedServer(new TypeError('as fetch would'));
    const { robots } = clientOf({ authorization: 'Bearer \u0416' }, server);
    expect((await failureOf(robots.count())).message).toMatch(/^The request cannot be sent: /);
    expect(() => createRpcClient({})).toThrow('uriPrefix needs');
    expect(() => createRpcClient({ uriPrefix: '/api' })).toThrow(
      'needs its origin outside of a page: "/api"',
    );
  });
});

describe('the arguments of a call', () => {
  it('are the body if they are one byte array', async () => {
    const request = await sent((robots) => robots.count(Uint8Array.of(65, 66)));
    expect(request.headers['content-type']).toBe('application/octet-stream');
    expect(bodyOf(request)).toBe('AB');
  });

  it('are all sent if there are more behind a byte array', async () => {
    const request = await sent((robots) => robots.count(Uint8Array.of(65), 'b', [Uint8Array.of(67)]));
    const boundary = /^multipart\/form-data; boundary=(.+)$/.exec(request.headers['content-type']!)![1];
    const parts = bodyOf(request).split(`--${boundary}`);
    expect(parts.map((part) => part.trim().split('\r\n\r\n').at(-1))).toEqual([
      '',
      '[{"isBinary":true,"index":0,"size":1,"chunks":1},"b",[{"isBinary":true,"index":1,"size":1,"chunks":1}]]',
      'A',
      'C',
      '--',
    ]);
  });

  it('are in the target of a GET if the operation is cacheable', async () => {
    const get = await sent((robots) => robots.plan(token, 'é+/?'));
    expect(get).toMatchObject({ method: 'GET', body: undefined });
    expect(get.headers).not.toHaveProperty('content-type');
    const parameters = new URL(get.url, 'http://h').searchParams.get('parameters')!;
    expect(parameters).toMatch(/^[a-zA-Z0-9=+/]*$/);
    expect(JSON.parse(atob(parameters))).toEqual([token, 'é+/?']);
  });

  it.each<[string, unknown[]]>([
    ['go beyond Latin-1', [token, 'Ж']],
    ['are too long', [token, 'x'.repeat(6200)]],
    ['have bytes', [token, Uint8Array.of(1)]],
    ['have no token to route by', [1]],
  ])('of a cacheable operation are posted if they %s', async (_, args) => {
    expect((await sent((robots) => robots.plan(...args))).method).toBe('POST');
  });

  it('of a cacheable operation may fill a target up to the limit of the wire', async () => {
    const space = 8192 * 0.75 - JSON.stringify([token, '']).length;
    expect((await sent((robots) => robots.plan(token, 'x'.repeat(space)))).method).toBe('GET');
    expect((await sent((robots) => robots.plan(token, 'x'.repeat(space + 1)))).method).toBe('POST');
  });
});

describe('the credentials of an RPC client', () => {
  it('are requested again before every request', async () => {
    const server = new ScriptedServer({ status: 503, headers: { 'retry-after': '0' } }, { body: '1' });
    let asked = 0;
    const { robots } = clientOf({ authorization: async () => `Bearer ${++asked}` }, server);
    await robots.look();
    expect(server.requests.map(({ headers }) => headers['authorization'])).toEqual(['Bearer 1', 'Bearer 2']);
  });

  it('fail the call before it is sent if their supplier fails', async () => {
    for (const authorization of [
      () => Promise.reject<string>(new Error('signed out')),
      () => {
        throw new Error('signed out');
      },
    ]) {
      const { robots, server } = clientOf({ authorization });
      await expect(robots.count()).rejects.toThrow('signed out');
      expect(server.requests).toEqual([]);
    }
  });

  it('do not delay a call beyond its timeoutMs', async () => {
    const { robots, server } = clientOf({ authorization: () => new Promise(() => {}) });
    await expect(robots.with({ timeoutMs: 20 }).count()).rejects.toThrow('within 20 ms');
    expect(server.requests).toEqual([]);
  });

  it('include the CSRF header if it has a value', async () => {
    let value: string | undefined = 'one';
    const csrf = { headerValue: () => value };
    expect((await sent((robots) => robots.count(), { csrf })).headers['x-xsrf-token']).toBe('one');
    value = undefined;
    expect((await sent((robots) => robots.count(), { csrf })).headers).not.toHaveProperty('x-xsrf-token');
    const named = { csrf: { headerName: 'X-Mine', headerValue: 'two' } };
    expect((await sent((robots) => robots.count(), named)).headers['x-mine']).toBe('two');
  });
});

describe('the activity of a call', () => {
  const idOf = async (options: RpcClientOptions, given?: string) => {
    const request = await sent((robots) => robots.with({ activityId: given }).count(), options);
    return request.headers['x-correlation-id'];
  };

  it('has the id of the call options, else of the context, else a new one', async () => {
    const context = (): RpcCallContext => ({ activityId: 'around' });
    expect(await idOf({ context }, 'given')).toBe('given');
    expect(await idOf({ context })).toBe('around');
    expect(await idOf({ context: () => ({ activityId: '' }) })).toMatch(/^[\da-f-]{36}$/);
    const [one, two] = [await idOf({ context: () => undefined }), await idOf({})];
    expect(one).not.toBe(two);
  });

  it('takes from the context the values that the client does not set', async () => {
    const around = { sessionId: 's', applicationId: 'a', applicationVersion: '1', accessToken: 't' };
    const context = () => around;
    const all = (await sent((robots) => robots.count(), { context })).headers;
    expect(all).toMatchObject({ 'x-session-id': 's', 'x-application-id': 'a', authorization: 't' });
    const own = await sent((robots) => robots.count(), { context, sessionId: 'mine', authorization: 'mine' });
    expect(own.headers).toMatchObject({
      'x-session-id': 'mine',
      authorization: 'mine',
      'x-application-id': 'a',
    });
  });
});

describe('listeners of an RPC client', () => {
  it('receive the events of each call until they are removed', async () => {
    const { client, robots } = clientOf({}, new ScriptedServer({ status: 500, body: '{"message":"m"}' }));
    const events: RpcClientEvent[] = [];
    const leave = client.addListener((event) => events.push(event));
    const error = await failureOf(robots.with({ activityId: 'id' }).count());
    const about = { activityId: 'id', interfaceName: 'Robots', operation: 'count' };
    expect(events).toEqual([
      { ...about, kind: 'request', attempt: 1 },
      { ...about, kind: 'response', outcome: 'error', error },
    ]);
    leave();
    await failureOf(robots.count());
    expect(events).toHaveLength(2);
  });

  it('do not disturb a call if they throw', async () => {
    const { client, robots } = clientOf();
    const { error } = console;
    const said: unknown[] = [];
    console.error = (...args: unknown[]) => said.push(args);
    client.addListener(() => {
      throw new Error('listener');
    });
    try {
      expect(await robots.count()).toBe(1);
    } finally {
      console.error = error;
    }
    expect(said).toHaveLength(2);
  });
});

describe('an RPC client', () => {
  it('has exactly the operations as members', () => {
    const { client, robots } = clientOf();
    expect(Object.keys(robots)).toEqual(['count', 'look', 'place', 'plan']);
    expect(robots).not.toHaveProperty('then');
    expect(robots).not.toHaveProperty('constructor');
    expect(client.client(Robots)).toBe(robots);
  });

  it('reports every error by a rejected promise', async () => {
    const { robots } = clientOf();
    await expect(robots.with({ timeoutMs: -1 }).count()).rejects.toThrow(RangeError);
    await expect(robots.with({ timeoutMs: NaN }).count()).rejects.toThrow(RangeError);
    const context = () => {
      throw new Error('context');
    };
    await expect(clientOf({ context }).robots.count()).rejects.toThrow('context');
    await expect(robots.count(1n)).rejects.toThrow('value[0] is a BigInt');
  });

  it('sends the arguments of each call', async () => {
    const { robots, server } = clientOf();
    await Promise.all([robots.count(1, undefined), robots.count(), robots.count([])]);
    expect(server.requests.map(argumentsOf)).toEqual([[1, null], [], [[]]]);
  });
});
