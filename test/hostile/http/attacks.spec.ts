import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ActivityLogger, RpcInterface, RpcOperation, TransientError } from '@linnet/backend';
import { closeApps, definitionOf, startApp, ways } from '../../harness/nest.harness.js';
import type { Reply, TestApp, Way } from '../../harness/nest.harness.js';

const secret = 'psql "postgres://user:secret@db"';
const thrown: Record<string, () => unknown> = {
  'a revoked proxy': () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
  'a header': () => new TransientError('later', 503, 'a\r\nX-Evil: y'),
  'a date': () => new TransientError('later', 503, 'Wed, 21 Oct 2026 07:28:00 GMT'),
  cmd: () => Object.assign(new Error(`Command failed: ${secret}`), { cmd: secret }),
  stderr: () => Object.assign(new Error(`Command failed: ${secret}`), { stderr: secret }),
};
let runs = 0;

@RpcInterface(definitionOf('Attacked', 'describe', 'echo', 'cached', 'fail'))
class AttackedImpl {
  /** The lengths of byte strings, in a list or not. */
  async describe(...values: (Uint8Array | Uint8Array[])[]) {
    runs++;
    return values.flat().map((value) => value.byteLength);
  }
  async echo(...values: unknown[]) {
    runs++;
    return values;
  }
  @RpcOperation({ allowResponseCaching: true })
  async cached() {
    return 'kept';
  }
  async fail(kind: string) {
    throw thrown[kind]!();
  }
}

const route = '/t/v1/mode/1/context/T/imodel/M/changeset/C/Attacked-1.0.0-';
const multipart = { 'Content-Type': 'multipart/form-data; boundary=b' };
const part = (name: string, content: string) =>
  `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${content}\r\n`;
const parts = (objects: string, ...data: string[]) =>
  `${part('objects', objects)}${data.map((bytes, i) => part(`data-${i}`, bytes)).join('')}--b--`;
const marker = (members: object) => ({ isBinary: true, index: 0, ...members });

/** The message of an error; fails if the answer is not an error. */
function errorOf({ status, json }: Reply): string {
  expect(status).toBeGreaterThanOrEqual(400);
  return (json as { message: string }).message;
}

describe.each(Object.entries(ways))('RPC by way of %s:', (_name, way: Way) => {
  let server: TestApp;
  const bodyBytes = 500_000;
  beforeAll(async () => {
    server = await startApp({ way, providers: [AttackedImpl], options: { limits: { bodyBytes } } });
  });
  afterAll(closeApps);
  afterEach(async () => {
    expect((await server.call('Attacked.echo', ['alive'])).json).toEqual(['alive']);
  });

  const post = (operation: string, body: string | Buffer, headers: Record<string, string> = {}) =>
    server.send({ target: route + operation, body, headers });

  describe('a multipart body', () => {
    const chunk = 'x'.repeat(16_384);
    const both = marker({ size: 2 * chunk.length, chunks: 2 });

    it('joins the parts of one marker', async () => {
      const reply = await post('describe', parts(JSON.stringify([[both]]), chunk, chunk), multipart);
      expect([reply.status, reply.json]).toEqual([200, [2 * chunk.length]]);
    });

    it('joins different parts for each marker', async () => {
      const markers = [0, 2].map((index) => marker({ index, size: 3, chunks: 2 }));
      const body = parts(JSON.stringify([markers]), 'a', 'bc', 'de', 'f');
      expect((await post('describe', body, multipart)).json).toEqual([3, 3]);
    });

    it('is refused, and its parts are not copied, if many markers name the same parts', async () => {
      const body = parts(JSON.stringify([Array(2000).fill(both)]), chunk, chunk);
      const before = { runs, bytes: process.memoryUsage().arrayBuffers };
      const reply = await post('describe', body, multipart);
      expect(errorOf(reply)).toContain('share their data');
      expect(runs).toBe(before.runs);
      // Copied, they would be 64 MiB.
      expect(process.memoryUsage().arrayBuffers - before.bytes).toBeLessThan(16 * 1024 * 1024);
    });

    it('may be larger than other bodies in its bytes, but not in its text', async () => {
      const large = 'x'.repeat(bodyBytes + 1);
      const size = large.length;
      const bytes = await post(
        'describe',
        parts(JSON.stringify([marker({ size, chunks: 1 })]), large),
        multipart,
      );
      expect([bytes.status, bytes.json]).toEqual([200, [size]]);
      const before = runs;
      const text = await post('echo', parts(JSON.stringify([large])), multipart);
      expect([text.status, errorOf(text)]).toEqual([
        413,
        expect.stringContaining(`larger than ${bodyBytes}`),
      ]);
      expect(runs).toBe(before);
    });

    it.each(['gzip', 'br', 'deflate'])('is refused if it is compressed with %s', async (encoding) => {
      const before = runs;
      const packed = gzipSync(parts('[1]'));
      const reply = await post('echo', packed, { ...multipart, 'Content-Encoding': encoding });
      expect([reply.status, errorOf(reply)]).toEqual([415, expect.stringContaining('compressed')]);
      expect(runs).toBe(before);
    });

    it('is the only kind of body that is refused if it is compressed', async () => {
      const reply = await post('echo', gzipSync('[1]'), { 'Content-Encoding': 'gzip' });
      expect([reply.status, reply.json]).toEqual([200, [1]]);
    });
  });

  describe('the target of a request', () => {
    const token = { key: 'x', iTwinId: 'T', iModelId: 'M', changeset: { id: 'C' } };
    const other = { ...token, iTwinId: 'EVIL', iModelId: 'EVIL' };

    it.each(['', '?x=/imodel/EVIL/context/EVIL/z', '?/imodel/EVIL', '?context/EVIL/changeset/EVIL/mode/z'])(
      'names iTwin and model by its path, whatever its query is: %j',
      async (query) => {
        const reply = await post(`echo${query}`, JSON.stringify([token, other]));
        expect([reply.status, reply.json]).toEqual([200, [token, token]]);
      },
    );

    it.each(['#', '#/imodel/EVIL/x', '#/imodel/EVIL/Attacked-1.0.0-echo', '?x=1#y'])(
      'is refused if it has a fragment: %s',
      async (fragment) => {
        const before = runs;
        const reply = await post(`echo${fragment}`, JSON.stringify([token]));
        expect([reply.status, errorOf(reply)]).toEqual([400, expect.stringContaining('fragment')]);
        expect(runs).toBe(before);
      },
    );
  });

  describe('a request', () => {
    it.each([
      'evil://localhost',
      'http://a, http://localhost',
      'http://a, http://x.localhost:3',
      'http://localhost/x',
      'null',
      '://localhost',
    ])('is refused if its origin is %s', async (Origin) => {
      const before = runs;
      const reply = await post('echo', '[]', { Origin });
      expect([reply.status, errorOf(reply)]).toEqual([403, expect.stringContaining(Origin)]);
      expect(reply.headers['access-control-allow-origin']).toBeUndefined();
      expect(runs).toBe(before);
    });

    it.each(['/v3/swagger.json', '/ping'])(
      'for %s gets nothing if it uses a foreign host name',
      async (target) => {
        const get = (Host: string) => server.send({ method: 'GET', target, headers: { Host } });
        expect((await get('localhost')).status).toBe(200);
        const reply = await get('evil.com');
        expect(reply.status).toBe(404);
        expect(reply.text).not.toContain('Attacked-');
      },
    );

    it.each<[Record<string, string>, string]>([
      [{}, 's-maxage'],
      [{ Cookie: 'sid=alice' }, 'private'],
      [{ Authorization: 'Bearer alice' }, 'private'],
    ])('with the headers %j gets an answer with Cache-Control %s', async (headers, scope) => {
      const target = `${route}cached?parameters=W10%3D`;
      const reply = await server.send({ method: 'GET', target, headers });
      expect([reply.status, reply.json]).toEqual([200, 'kept']);
      const kept = reply.headers['cache-control'];
      expect(kept).toContain(scope);
      expect(kept!.includes('s-maxage')).toBe(scope === 's-maxage');
    });
  });

  describe('a thrown value', () => {
    it('that is a revoked proxy is answered with 500', async () => {
      const reply = await post('fail', '["a revoked proxy"]');
      expect([reply.status, errorOf(reply)]).toEqual([500, expect.any(String)]);
    });

    it('cannot set headers, except Retry-After to a date', async () => {
      const reply = await post('fail', '["a header"]');
      expect([reply.status, errorOf(reply)]).toEqual([503, 'later']);
      expect(reply.headers).not.toHaveProperty('retry-after');
      expect(reply.headers).not.toHaveProperty('x-evil');
      const date = await post('fail', '["a date"]');
      expect(date.headers['retry-after']).toBe('Wed, 21 Oct 2026 07:28:00 GMT');
    });

    it.each(['cmd', 'stderr'])('is hidden as an internal error if it has the member %s', async (kind) => {
      const reply = await post('fail', JSON.stringify([kind]));
      expect([reply.status, errorOf(reply)]).toEqual([500, 'Internal error']);
      expect(reply.text).not.toContain('secret');
    });
  });
});

describe('the log of a call', () => {
  afterEach(closeApps);

  it('has one line for many mismatched tokens, and a shortened session id of the client', async () => {
    const written: string[] = [];
    const write = jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
      written.push(String(text));
      return true;
    });
    try {
      const { send } = await startApp({
        providers: [AttackedImpl],
        appOptions: { logger: new ActivityLogger({ json: true, colors: false }) },
      });
      // Lines logged at start.
      written.length = 0;
      const reply = await send({
        target: `${route}echo`,
        body: JSON.stringify(Array.from({ length: 256 }, () => ({ iTwinId: '', iModelId: '' }))),
        headers: { 'X-Session-Id': 's'.repeat(10_000) },
      });
      expect(reply.status).toBe(200);
    } finally {
      write.mockRestore();
    }
    const lines = written.join('').split('\n').filter(Boolean);
    expect(lines).toHaveLength(1);
    expect(lines[0]!.length).toBeLessThan(1000);
    const line = JSON.parse(lines[0]!) as Record<string, unknown>;
    expect(line).toMatchObject({ level: 'warn', message: expect.stringContaining('mismatch') });
    expect(line['SessionId']).toBe(`${'s'.repeat(200)}…`);
  });
});
