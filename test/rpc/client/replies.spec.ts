import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BackendError, createRpcClient, ServerError } from '@linnet/common';
import { failureOf, Robots, ScriptedServer } from './scripted.send.js';
import type { ScriptedReply } from './scripted.send.js';

const ask = (...replies: ScriptedReply[]) =>
  createRpcClient({ send: new ScriptedServer(...replies).send, retry: { limit: 0 } })
    .client(Robots)
    .count();

const statuses = [
  400, 401, 403, 404, 405, 408, 409, 410, 413, 414, 415, 418, 422, 429, 451, 500, 501, 502, 503, 504, 505,
  567, 201, 206, 302,
];

describe('an answer', () => {
  it.each(statuses)('of status %i is an error with name, message, number and members', async (status) => {
    const members = { message: 'm', errorNumber: 65542, name: 'Bad Request', shelf: 3, isError: true };
    const error = await failureOf(ask({ status, body: JSON.stringify(members) }));
    expect(error).toBeInstanceOf(BackendError);
    expect(error).toMatchObject({ message: 'm', errorNumber: 65542, name: 'Bad Request', shelf: 3, status });
    expect(error).not.toHaveProperty('isError');
    // How it came here does not travel on with it.
    expect(Object.keys(error)).not.toContain('status');
  });

  it.each(statuses)(
    'of status %i without a readable body is an error that names the status',
    async (status) => {
      for (const body of ['', '<html>', '"text"', '[1]', 'null', '{"message":']) {
        const error = await failureOf(ask({ status, body }));
        expect(error).toBeInstanceOf(ServerError);
        expect(error).toMatchObject({ status, errorNumber: status, name: 'ServerError' });
        expect(error.message).toBe(`The server answered ${status} without saying why.`);
      }
    },
  );

  it('of status 404 from another server is an error that names interface and path', async () => {
    const page: ScriptedReply = { status: 404, body: '<html>', headers: { 'x-protocol-version': '' } };
    const nest = { ...page, body: '{"message":"Cannot POST /api","error":"Not Found","statusCode":404}' };
    for (const uriPrefix of ['https://rpc.example.com/api/', '/api', '//rpc.example.com/api'])
      for (const reply of [page, nest]) {
        const { send } = new ScriptedServer(reply);
        const robots = createRpcClient({ uriPrefix, send }).client(Robots);
        const error = await failureOf(robots.with({ token: { iTwinId: '', iModelId: 'm' } }).plan('secret'));
        expect(error).toBeInstanceOf(ServerError);
        // Not on which server, nor with what arguments: the error may go on to callers of who called.
        const path = '/api/linnet/v1.0/mode/1/context//imodel/m/changeset/0/Robots-1.2.0-plan';
        expect(error).toMatchObject({ status: 404, message: `Robots is not served at ${path}` });
      }
  });

  it('of status 404 is an error of RPC if its body is one, even if a page cannot read the header', async () => {
    const body =
      '{"message":"There is no such shelf.","isError":true,"name":"Not Found","errorNumber":65574}';
    const error = await failureOf(ask({ status: 404, body, headers: { 'x-protocol-version': '' } }));
    expect(error).toBeInstanceOf(BackendError);
    expect(error).toMatchObject({ errorNumber: 65574, message: 'There is no such shelf.' });
  });

  it('of status 204 is the error "no content"', async () => {
    expect(await failureOf(ask({ status: 204 }))).toMatchObject({ errorNumber: 65604, status: 204 });
  });
});

describe('an error from a server', () => {
  it('has a number, a name and a message, even if the server sent none', async () => {
    const odd = { message: { text: 'm' }, name: 7, errorNumber: 'seven', stack: 'theirs', cause: 'kept' };
    const error = await failureOf(ask({ status: 500, body: JSON.stringify(odd) }));
    expect(error).toMatchObject({
      message: 'unknown error',
      name: 'Error',
      errorNumber: 32768,
      cause: 'kept',
    });
    expect(error.stack).not.toBe('theirs');
    const huge = await failureOf(ask({ status: 500, body: '{"message":"m","errorNumber":1e999}' }));
    expect(huge).toMatchObject({ message: 'm', errorNumber: 32768 });
  });

  it('has no members that change its prototype', async () => {
    const body = '{"message":"m","__proto__":{"polluted":1},"constructor":1,"toString":2,"status":"mine"}';
    const error = await failureOf(ask({ status: 500, body }));
    expect(Object.getPrototypeOf(error)).toBe(BackendError.prototype);
    expect(error).not.toHaveProperty('polluted');
    expect({}).not.toHaveProperty('polluted');
    // An application's own member is kept.
    expect(error).toMatchObject({ constructor: 1, toString: 2, status: 'mine' });
  });

  it('may have members with bytes', async () => {
    const body =
      '--b\r\nContent-Disposition: form-data; name="objects"\r\n\r\n' +
      '{"message":"m","bytes":{"isBinary":true,"index":0,"size":2,"chunks":1}}\r\n' +
      '--b\r\nContent-Disposition: form-data; name="data-0"\r\n\r\nhi\r\n--b--\r\n';
    const headers = { 'content-type': 'multipart/form-data; boundary=b' };
    expect(await failureOf(ask({ status: 500, body, headers }))).toMatchObject({
      message: 'm',
      bytes: Uint8Array.from(Buffer.from('hi')),
    });
    const torn = await failureOf(ask({ status: 500, body: body.slice(0, -20), headers }));
    expect(torn).toBeInstanceOf(ServerError);
  });
});

const multipart = { 'content-type': 'multipart/form-data; boundary=b' };
const part = (objects: string, end = '--b--\r\n') =>
  `--b\r\nContent-Disposition: form-data; name="objects"\r\n\r\n${objects}\r\n${end}`;

describe('a result that cannot be read', () => {
  it.each<[string, ScriptedReply]>([
    ['the page of another server', { body: '<!doctype html>' }],
    ['half of a text', { body: '{"a":' }],
    ['a very deep list', { body: '['.repeat(10_000) + ']'.repeat(10_000) }],
    ['an object with __proto__', { body: '{"__proto__":{"polluted":1}}' }],
    ['an object with an escaped __proto__', { body: '{"a":{"__prot\\u006f__":{"polluted":1}}}' }],
    ['a marker without bytes', { body: '{"isBinary":true,"index":0,"size":1,"chunks":1}' }],
    [
      'a marker of enormous size',
      { body: part('{"isBinary":true,"index":0,"size":1e15,"chunks":2}'), headers: multipart },
    ],
    [
      'a marker of negative index',
      { body: part('{"isBinary":true,"index":-1,"size":1,"chunks":1}'), headers: multipart },
    ],
    ['half of a multipart body', { body: part('1', ''), headers: multipart }],
    ['a multipart body without boundary', { body: '', headers: { 'content-type': 'multipart/form-data' } }],
    ['a part without a name', { body: '--b\r\n\r\n1\r\n--b--\r\n', headers: multipart }],
  ])('because it is %s rejects with an error of its own', async (_, reply) => {
    const error = await failureOf(ask(reply));
    expect(error).toBeInstanceOf(ServerError);
    expect(error).toMatchObject({ status: 200, message: expect.stringContaining('cannot be read') });
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe('a result', () => {
  it.each<[string, ScriptedReply, unknown]>([
    [
      'with an unknown content type is read as text',
      { body: '[1]', headers: { 'content-type': 'application/json' } },
      [1],
    ],
    [
      'with an upper-case content type is read',
      { body: 'x', headers: { 'content-type': 'Application/Octet-Stream' } },
      'bytes',
    ],
    ['in a multipart body without bytes is read', { body: part('[1,2]'), headers: multipart }, [1, 2]],
    ['with numbers beyond all limits is Infinity', { body: '[1e999,-1e999]' }, [Infinity, -Infinity]],
    [
      'that looks like an envelope is a result',
      { body: '{"iTwinRpcCoreResponse":1,"managedStatus":2}' },
      expect.anything(),
    ],
  ])('%s', async (_, reply, expected) => {
    const value = await ask(reply);
    expect(value).toEqual(expected === 'bytes' ? Uint8Array.of(120) : expected);
  });

  it('takes the bytes of parts in their order, with any names, a quoted boundary or multipart/related', async () => {
    const marker = (index: number) => `{"isBinary":true,"index":${index},"size":1,"chunks":1}`;
    const data = (name: string, text: string) =>
      `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${text}\r\n`;
    const body = data('objects', `[${marker(1)},${marker(0)}]`) + data('y', '1') + data('x', '2') + '--b--';
    const headers = { 'content-type': 'multipart/related; type="x"; boundary="b"' };
    const bytes = (await ask({ body, headers })) as Uint8Array[];
    expect(bytes).toEqual([Uint8Array.of(50), Uint8Array.of(49)]);
    // In memory of their own: one that is kept does not keep the rest of the answer.
    for (const { buffer, byteOffset } of bytes) expect([buffer.byteLength, byteOffset]).toEqual([1, 0]);
  });
});

describe('an RPC client rejects a call with status -1 if the server', () => {
  let behave: (response: ServerResponse, socket: Socket) => void;
  const server = createServer((request, response) => {
    request.resume();
    behave(response, request.socket);
  });
  beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
  afterAll(() => {
    server.close();
    server.closeAllConnections();
  });
  const call = () => {
    const { port } = server.address() as AddressInfo;
    return createRpcClient({ uriPrefix: `http://127.0.0.1:${port}/` })
      .client(Robots)
      .count();
  };

  it.each<[string, typeof behave]>([
    ['closes the connection', (_, socket) => socket.destroy()],
    ['resets the connection', (_, socket) => socket.resetAndDestroy()],
    [
      'stops in the middle of its answer',
      (response, socket) => {
        response.writeHead(200, { 'Content-Length': '100' });
        response.write('{"a":', () => socket.destroy());
      },
    ],
    ['speaks another protocol', (_, socket) => socket.end('SSH-2.0-x\r\n')],
    [
      'does not compress its answer as its header claims',
      (response) => {
        response.writeHead(200, { 'Content-Encoding': 'gzip' });
        response.end('not gzip');
      },
    ],
  ])('%s', async (_, does) => {
    behave = does;
    const error = await failureOf(call());
    expect(error).toBeInstanceOf(ServerError);
    expect(error).toMatchObject({ status: -1, message: expect.stringContaining('cannot be reached') });
  });

  it('does not exist', async () => {
    const robots = createRpcClient({ uriPrefix: 'http://127.0.0.1:1' }).client(Robots);
    expect(await failureOf(robots.count())).toMatchObject({ status: -1, name: 'ServerError' });
  });
});
