import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { gone, HostileModule, limits, Victim } from '../../conformance/tables/hostile.fixture.js';
import { chunk, lastChunk, RawSocket } from '../../conformance/ipc/raw.socket.js';
import { pathTo, serverNames, start } from '../../conformance/tables/server.js';
import type { PlainServer } from '../../rpc/plain/plain.servers.js';
import { withoutTime } from '../../harness/stopped.time.js';
import { settled, until } from '../../harness/waiting.js';

const echo = pathTo(Victim, 'echo');
const chunked = 'Transfer-Encoding: chunked';
const text = 'Content-Type: text/plain';
const bytes = 'Content-Type: application/octet-stream';
const multipart = 'Content-Type: multipart/form-data; boundary=b';
const objects = '--b\r\nContent-Disposition: form-data; name="objects"\r\n\r\n';
const data = '\r\n--b\r\nContent-Disposition: form-data; name="data-0"\r\n\r\n';

/** A small body that decompresses to a large one. */
const bomb = gzipSync(Buffer.alloc(50_000_000, ' '));

describe.each(serverNames)('RPC on %s:', (adapter) => {
  let server: PlainServer;
  beforeAll(async () => {
    server = await start(HostileModule, adapter);
  });
  // The server waits for no client that has left.
  afterAll(() => withoutTime(server.stop));
  afterEach(async () => {
    const raw = await open(echo, text, 'Content-Length: 9');
    raw.write('["alive"]');
    expect(await raw.answer()).toEqual({ status: 200, body: ['alive'] });
    raw.destroy();
  });

  async function open(target: string, ...headers: string[]): Promise<RawSocket> {
    const raw = await RawSocket.open(server.port);
    raw.head(target, ...headers);
    return raw;
  }

  it.each([
    ['text', text, limits.bodyBytes],
    ['bytes', bytes, limits.bodyBytes],
    ['multipart', multipart, limits.multipartBytes],
  ])(
    'a body of %s is refused as soon as it announces a length above the limit',
    async (_name, type, limit) => {
      const raw = await open(echo, type, `Content-Length: ${limit * 1000}`);
      raw.write('[');
      const { status, body } = await raw.answer();
      expect(status).toBe(413);
      expect(body).toEqual({
        isError: true,
        message: `Error: Invalid request: the body is larger than ${limit} bytes.`,
      });
      raw.destroy();
    },
  );

  it.each([
    ['text', text, limits.bodyBytes],
    ['bytes', bytes, limits.bodyBytes],
    ['multipart', multipart, limits.multipartBytes],
  ])(
    'a body of %s is refused at the first byte above the limit, and the rest is not read',
    async (_name, type, limit) => {
      const raw = await open(echo, type, chunked);
      raw.write(chunk(Buffer.alloc(limit, ' ')));
      await raw.flush();
      await settled();
      expect(raw.isSilent).toBe(true);
      raw.write(chunk('x'));
      const { status, body } = await raw.answer();
      expect(status).toBe(413);
      expect(body.message).toContain(`larger than ${limit} bytes`);
      // The connection is not kept to drain what is still to come.
      await until(() => raw.isClosed);
    },
  );

  it('a small body that decompresses to a large one is refused', async () => {
    expect(bomb.byteLength).toBeLessThan(limits.bodyBytes);
    const raw = await open(echo, text, 'Content-Encoding: gzip', `Content-Length: ${bomb.byteLength}`);
    raw.write(bomb);
    expect(await raw.answer()).toMatchObject({ status: 413 });
    raw.destroy();
  });

  it('a compressed body is read', async () => {
    const packed = gzipSync('["é"]');
    const raw = await open(echo, text, 'Content-Encoding: gzip', `Content-Length: ${packed.byteLength}`);
    raw.write(packed);
    expect(await raw.answer()).toEqual({ status: 200, body: ['é'] });
    raw.destroy();
  });

  it('a compressed body that breaks off is refused', async () => {
    const packed = gzipSync('["x"]').subarray(0, -6);
    const raw = await open(echo, text, 'Content-Encoding: gzip', `Content-Length: ${packed.byteLength}`);
    raw.write(packed);
    expect(await raw.answer()).toMatchObject({ status: 400, body: { isError: true } });
    raw.destroy();
  });

  it.each([
    ['text', text, '["é😀\u0416"]'],
    ['multipart', multipart, `${objects}["é😀\u0416"]\r\n--b--`],
  ])('a character in a body of %s may be split between chunks', async (_name, type, body) => {
    const raw = await open(echo, type, chunked);
    for (const byte of Buffer.from(body)) {
      raw.write(chunk(Uint8Array.of(byte)));
      await raw.flush();
    }
    raw.write(lastChunk);
    expect(await raw.answer()).toEqual({ status: 200, body: ['é😀\u0416'] });
    raw.destroy();
  });

  it('an empty part of a multipart body becomes an empty byte array', async () => {
    const raw = await open(echo, multipart, chunked);
    const marker = (index: number) => `{"isBinary":true,"index":${index},"size":0,"chunks":1}`;
    const second = data.replace('data-0', 'data-1');
    raw.write(chunk(`${objects}[1,[${marker(0)},${marker(1)}]]${data}${second}yz\r\n--b--\r\n`));
    raw.write(lastChunk);
    await raw.until(
      '[1,[{"isBinary":true,"index":0,"size":0,"chunks":1},{"isBinary":true,"index":1,"size":2',
    );
    await raw.until('\r\n\r\nyz\r\n');
    raw.destroy();
  });

  it.each([
    ['text', text, '"', 'x', '"'],
    ['multipart', multipart, `${objects}["`, 'x', '"]\r\n--b--'],
  ])(
    'a body of %s may arrive in very many chunks',
    async (name, type, start, filler, end) => {
      const raw = await open(echo, type, chunked);
      // Bodies are read by two pieces of code, that of Node and that of fetch. For each of them one server shows that the
      // cost of a chunk does not grow.
      const count = ['node:http', 'fetch'].includes(adapter) ? 30_000 : 3000;
      raw.write(chunk(name === 'text' ? `[${start}` : start));
      raw.write(Buffer.from(`1\r\n${filler}\r\n`.repeat(count)));
      raw.write(chunk(name === 'text' ? `${end}]` : end));
      raw.write(lastChunk);
      // Streams of the fetch standard take their time for each.
      expect(await raw.answer(60_000)).toEqual({ status: 200, body: ['x'.repeat(count)] });
      raw.destroy();
    },
    90_000,
  );

  it('a client may leave while it sends its body', async () => {
    for (const type of [text, bytes, multipart, `${text}\r\nContent-Encoding: gzip`]) {
      for (const length of ['Content-Length: 1000', chunked]) {
        const raw = await open(echo, type, length);
        raw.write(length === chunked ? chunk('--b\r\n') : '--b\r\n');
        await raw.flush();
        await settled();
        raw.destroy();
      }
    }
  });

  it('a client may leave while it receives its answer', async () => {
    const raw = await open(pathTo(Victim, 'large'), text, 'Content-Length: 10');
    raw.write('[50000000]');
    await raw.received(1000);
    raw.destroy();
  });

  it('a client may leave while it waits, and the signal of its operation is aborted', async () => {
    const { count } = gone;
    const raw = await open(pathTo(Victim, 'untilGone'), text, 'Content-Length: 2');
    raw.write('[]');
    await raw.flush();
    await settled();
    expect(gone.count).toBe(count);
    raw.destroy();
    await until(() => gone.count === count + 1);
  });

  it.each([
    ['a chunk size that is not a number', chunked, 'zz\r\n'],
    ['a chunk without a line break at its end', chunked, '1\r\nxx'],
  ])('%s ends the connection', async (_name, header, body) => {
    const raw = await open(echo, text, header);
    raw.write(body);
    await until(() => raw.isClosed);
  });
});
