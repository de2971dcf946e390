import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { failures, HostileModule, limits, Victim } from '../../conformance/tables/hostile.fixture.js';
import { send } from '../../conformance/http/raw.client.js';
import { pathTo, serverNames, start } from '../../conformance/tables/server.js';
import type { PlainServer } from '../../rpc/plain/plain.servers.js';

const echo = pathTo(Victim, 'echo');
const text = ['Content-Type', 'text/plain'];
const multipart = ['Content-Type', 'multipart/form-data; boundary=b'];
const part = (name: string, content: string) =>
  `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${content}\r\n`;
const marker = (members: object) =>
  JSON.stringify([{ isBinary: true, index: 0, size: 1, chunks: 1, ...members }]);

interface Bad {
  target?: string;
  method?: string;
  headers?: string[];
  body?: string;
  status: number;
  message: string | RegExp;
}

// An exception or rejection that nobody handles fails the test it happens in.

/** Requests that cannot be answered with a result, and what they are answered with. */
const bad: Record<string, Bad> = {
  'a missing correlation id': {
    headers: [...text, 'X-Correlation-Id', ''],
    status: 400,
    message: 'Missing required activity ID',
  },
  'a query that is not base64': {
    target: `${echo}?parameters=%25`,
    status: 400,
    message: 'Malformed URL parameters',
  },
  'a query that is nothing but base64 padding': {
    target: `${echo}?parameters=====`,
    status: 400,
    message: 'Malformed URL',
  },
  'a query that encodes an object instead of a list': {
    target: `${echo}?parameters=e30%3D`,
    status: 500,
    message: 'no list of arguments',
  },
  'a GET of an operation that is not cacheable': {
    method: 'GET',
    target: `${echo}?parameters=W10%3D`,
    status: 405,
    message: 'called by POST',
  },
  'a very long target': {
    target: `/${'x'.repeat(9000)}${echo}`,
    headers: [...text],
    body: 'x',
    status: 500,
    message: 'Invalid JSON',
  },
  'broken JSON': { body: '[1,', status: 500, message: 'Invalid JSON: "[1,"' },
  'an empty body': { status: 500, message: 'no list of arguments' },
  'an object instead of a list of arguments': { body: '{}', status: 500, message: 'no list of arguments' },
  'more arguments than a call has': {
    body: JSON.stringify(Array(257).fill(0)),
    status: 500,
    message: 'more than 256 arguments',
  },
  'a very deep list': { body: '['.repeat(50_000), status: 500, message: 'deeper than 512 levels' },
  'a very deep object': {
    body: `[${'{"a":'.repeat(1000)}1${'}'.repeat(1000)}]`,
    status: 500,
    message: 'deeper than 512 levels',
  },
  '__proto__ in an argument': { body: '[{"__proto__":{"admin":true}}]', status: 500, message: '"__proto__"' },
  '__proto__ with an escape sequence': {
    body: String.raw`[{"a":[{"\u005f_proto__":1}]}]`,
    status: 500,
    message: '"__proto__"',
  },
  'a marker of missing bytes': { body: marker({}), status: 500, message: 'missing binary' },
  'a marker with a negative index': { body: marker({ index: -1 }), status: 500, message: 'malformed binary' },
  'the content type of JSON': {
    headers: ['Content-Type', 'application/json'],
    body: '[]',
    status: 415,
    message: 'carries no call',
  },
  'a form': {
    headers: ['Content-Type', 'application/x-www-form-urlencoded'],
    body: 'a=1',
    status: 415,
    message: 'carries no call',
  },
  'a missing content type': { headers: [], body: '[]', status: 415, message: 'carries no call' },
  'another charset': {
    headers: ['Content-Type', 'text/plain; charset=utf-16'],
    body: '[]',
    status: 415,
    message: 'carries no call',
  },
  'an unknown content encoding': {
    headers: [...text, 'Content-Encoding', 'zstd'],
    body: '[]',
    status: 415,
    message: 'content encoding "zstd"',
  },
  'a body that is not gzip as its header claims': {
    headers: [...text, 'Content-Encoding', 'gzip'],
    body: '[]',
    status: 400,
    message: 'cannot be decompressed',
  },
  'multipart without a boundary': {
    headers: ['Content-Type', 'multipart/form-data'],
    body: 'x',
    status: 400,
    message: 'no boundary',
  },
  'multipart without any part': { headers: multipart, body: 'junk', status: 400, message: 'truncated' },
  'multipart that breaks off': {
    headers: multipart,
    body: part('objects', '[]'),
    status: 400,
    message: 'truncated',
  },
  'multipart that breaks off in a header': {
    headers: multipart,
    body: '--b\r\nContent-Dis',
    status: 400,
    message: 'truncated',
  },
  'multipart without objects': {
    headers: multipart,
    body: `${part('data-0', 'x')}--b--`,
    status: 400,
    message: 'no part "objects"',
  },
  'multipart with a part without a name': {
    headers: multipart,
    body: '--b\r\nX: 1\r\n\r\n\r\n--b--',
    status: 400,
    message: 'no name',
  },
  'multipart that refers to a missing part': {
    headers: multipart,
    body: `${part('objects', marker({ index: 1 }))}${part('data-0', 'x')}--b--`,
    status: 500,
    message: 'missing binary',
  },
  'a marker with a much larger size than its parts': {
    headers: multipart,
    body: `${part('objects', marker({ size: 2 ** 40, chunks: 2 }))}${part('data-0', 'x')}${part('data-1', 'y')}--b--`,
    status: 500,
    message: 'announced as 1099511627776',
  },
  'a very long header of a part': {
    headers: multipart,
    body: `--b\r\nX: ${'y'.repeat(10_000)}`,
    status: 400,
    message: 'too long',
  },
  'too many parts': {
    headers: multipart,
    body: part('x', '').repeat(4097),
    status: 400,
    message: 'more than 4096 parts',
  },
  'a text above the limit': {
    body: `["${'x'.repeat(limits.bodyBytes)}"]`,
    status: 413,
    message: 'larger than 100000 bytes',
  },
  'bytes above the limit': {
    headers: ['Content-Type', 'application/octet-stream'],
    body: 'x'.repeat(limits.bodyBytes + 1),
    status: 413,
    message: 'larger than 100000 bytes',
  },
  'a part above the limit': {
    headers: multipart,
    body: part('objects', 'x'.repeat(limits.multipartBytes)),
    status: 413,
    message: 'larger than 300000 bytes',
  },
};
for (const name of [
  'constructor',
  'toString',
  '__proto__',
  'hasOwnProperty',
  'then',
  'onModuleInit',
  'onModuleDestroy',
  'helper',
  'initialized',
  'forward',
  '',
])
  bad[`the operation "${name}"`] = {
    target: pathTo(Victim, name),
    body: '[]',
    status: 500,
    message: `does not does not declare operation "${name}"`,
  };
for (const name of ['__proto__', 'constructor', 'toString', ''])
  bad[`the interface "${name}"`] = {
    target: `/mode/1/context/T/imodel/M/${name}-1.0.0-echo`,
    body: '[]',
    status: 500,
    message: `"${name}" is not initialized`,
  };

describe.each(serverNames)('RPC on %s:', (adapter) => {
  let server: PlainServer;
  beforeAll(async () => {
    server = await start(HostileModule, adapter);
  });
  afterAll(() => server.stop());
  afterEach(async () => {
    const answer = await call(echo, text, '["alive"]');
    expect([answer.status, answer.body.toString()]).toEqual([200, '["alive"]']);
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
  });

  const call = (target: string, headers: string[], body: string, method = 'POST') => {
    const all = headers.includes('X-Correlation-Id') ? headers : ['X-Correlation-Id', 'h', ...headers];
    const length = method === 'GET' ? [] : ['Content-Length', String(Buffer.byteLength(body))];
    const pairs = [...all, 'X-Protocol-Version', '1', ...length];
    return send(server.port, {
      method,
      target,
      headers: Array.from({ length: pairs.length / 2 }, (_, i) => [pairs[2 * i]!, pairs[2 * i + 1]!]),
      body: method === 'GET' ? null : { text: body },
    });
  };

  it.each(Object.entries(bad))(
    '%s is answered with an error that names the problem',
    async (_name, request) => {
      const { target = echo, method, headers = text, body = '', status, message } = request;
      const answer = await call(target, headers, body, method);
      const said = JSON.parse(answer.body.toString()) as { message: string; isError: boolean };
      expect({ status: answer.status, ...said }).toEqual(
        expect.objectContaining({
          status,
          isError: true,
          message: expect.stringContaining(message as string),
        }),
      );
    },
  );

  it.each(Object.keys(failures))('an operation that throws %s is answered with an error', async (kind) => {
    const answer = await call(pathTo(Victim, 'fail'), text, JSON.stringify([kind]));
    expect(answer.status).toBe(500);
    const told = JSON.parse(answer.body.toString()) as unknown;
    if (kind === 'a list') expect(told).toEqual([1]);
    else expect(told).toHaveProperty('message');
  });

  it.each([
    ['a malformed escape', '/%zz'],
    ['bytes that are not UTF-8', '/%ff%fe'],
    ['dot segments', `/${'../'.repeat(50)}`],
  ])('a path that begins with %s is answered with JSON', async (_what, prefix) => {
    const answer = await call(prefix + echo, text, '[1]');
    expect([200, 400, 404]).toContain(answer.status);
    expect(() => JSON.parse(answer.body.toString())).not.toThrow();
  });

  it.each([
    ['X-Protocol-Version', 'abc'],
    ['X-Protocol-Version', '-1'],
    ['X-Protocol-Version', '99999999999999999999999'],
    ['X-Session-Id', '\u00ff\u0080'],
    ['Accept-Encoding', ', ;q=,br;q=x,'.repeat(300)],
    ['Content-Encoding', 'identity'],
    ['Cookie', 'x='.repeat(2000)],
    ['If-None-Match', '*'],
    ['Range', 'bytes=0-1'],
    ['Expect', '100-continue'],
  ])('the header %s does not change the answer if it is %s', async (name, value) => {
    const answer = await call(echo, [...text, name, value], '["é😀"]');
    expect([answer.status, answer.body.toString()]).toEqual([200, '["é😀"]']);
  });

  it('very long headers are refused with 431', async () => {
    const answer = await call(echo, [...text, 'X-Long', 'x'.repeat(20_000)], '[]');
    expect(answer.status).toBe(431);
  });
});
