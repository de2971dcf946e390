import { once } from 'node:events';
import { request } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { RpcProxy } from '@linnet/common';
import { STREAM_WINDOW } from '../../../libs/common/src/base/limits.js';
import { settled, until } from '../../harness/waiting.js';
import { journal } from './flow.js';
import type { Flow } from './flow.js';
import { httpServers, servers } from './servers.js';
import type { FlowServer } from './servers.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const MIB = 1024 * 1024;

async function* numbers(to: number): AsyncGenerator<number> {
  for (let i = 0; i < to; i++) yield i;
}

/** Byte strings, with the place that they had when the producer was stopped. */
function pieces(count: number, bytes: number) {
  const state = { produced: 0, hasEnded: false };
  async function* generate(): AsyncGenerator<Uint8Array> {
    try {
      for (let i = 0; i < count; i++) {
        state.produced++;
        yield new Uint8Array(bytes).fill(1);
      }
    } finally {
      state.hasEnded = true;
    }
  }
  return { state, content: generate() };
}

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

describe.each(Object.entries(servers))('a stream to %s', (name, start) => {
  let server: FlowServer;
  let flow: RpcProxy<Flow>;

  beforeAll(async () => {
    server = await start();
    flow = server.client();
  });
  beforeEach(() => journal.clear());
  afterAll(() => server.stop());

  it('carries a Blob', async () => {
    const { bytes } = await flow.measure('blob', new Blob([new Uint8Array(3 * MIB).fill(1)]));
    expect(bytes).toBe(3 * MIB);
  });

  it('carries bytes that are made while they are sent', async () => {
    const { content, state } = pieces(100, 50_000);
    expect((await flow.measure('made', content)).bytes).toBe(5_000_000);
    expect(state).toEqual({ produced: 100, hasEnded: true });
  });

  it('carries a ReadableStream, and one without a byte', async () => {
    expect((await flow.measure('web', new Blob(['four']).stream())).bytes).toBe(4);
    expect((await flow.measure('nothing', new Blob([]))).bytes).toBe(0);
    expect((await flow.measure('none', pieces(0, 0).content)).bytes).toBe(0);
  });

  it('carries values', async () => {
    expect(await flow.sum(numbers(10_000))).toBe(49_995_000);
  });

  it('carries values that have bytes', async () => {
    async function* mixed() {
      yield { name: 'a', bytes: Uint8Array.of(1, 2) };
      yield Uint8Array.of(3);
      yield [null, 'x'];
    }
    expect(await collect(flow.copy(mixed()))).toEqual([
      { name: 'a', bytes: Uint8Array.of(1, 2) },
      Uint8Array.of(3),
      [null, 'x'],
    ]);
  });

  it('flows in both directions at once', async () => {
    let answered = 0;
    async function* questions() {
      for (let i = 0; i < 5; i++) {
        yield i;
        // The next item is sent only when this one has come back.
        await until(() => answered > i);
      }
    }
    for await (const item of flow.copy(questions())) expect(item).toBe(answered++);
    expect(answered).toBe(5);
  });

  it('stops its producer if the method leaves', async () => {
    const { content, state } = pieces(100_000, 10_000);
    expect(await flow.first(content)).toBeInstanceOf(Uint8Array);
    await until(() => state.hasEnded);
    expect(state.produced).toBeLessThan(10_000);
  });

  it('rejects with the error of the source, and the reader of the method fails', async () => {
    async function* failing() {
      yield new Uint8Array(100);
      await until(() => journal.produced.get('failing') === 100);
      throw new Error('no more');
    }
    await expect(flow.measure('failing', failing())).rejects.toThrow('no more');
    await until(() => journal.failed.length === 1);
    expect(journal.failed[0]).toMatch(/^failing: The client has disconnected/);
  });

  it('rejects if the source fails before its first item', async () => {
    // eslint-disable-next-line require-yield
    async function* failing(): AsyncGenerator<Uint8Array> {
      throw new Error('nothing');
    }
    await expect(flow.measure('early', failing())).rejects.toThrow('nothing');
    expect(journal.failed).toEqual([]);
  });

  it('ends both sides if the caller aborts', async () => {
    const caller = new AbortController();
    const state = { hasEnded: false };
    async function* waiting() {
      try {
        yield new Uint8Array(100);
        await until(() => journal.produced.has('abort'));
        caller.abort(new Error('enough'));
        for (;;) yield new Uint8Array(100);
      } finally {
        state.hasEnded = true;
      }
    }
    const call = flow.with({ signal: caller.signal }).measure('abort', waiting());
    await expect(call).rejects.toThrow('enough');
    await until(() => state.hasEnded && journal.failed.length === 1);
  });

  it('refuses a second stream, and a stream that was read', async () => {
    const twice = flow as unknown as { measure(...args: unknown[]): Promise<unknown> };
    await expect(twice.measure(numbers(1), numbers(1))).rejects.toThrow(
      'Flow.measure has more than one stream',
    );
    const once = numbers(2);
    expect(await flow.sum(once)).toBe(1);
    await expect(flow.sum(once)).rejects.toThrow('was read already');
  });

  // The kind of a source matters to the client, which is the same for every server.
  const sources = name === 'node:http' ? ['Blob', 'ReadableStream'] : ['Blob'];

  it.each(sources)('reads 64 MiB of a %s without holding it', async (kind) => {
    const piece = new Uint8Array(MIB).fill(1);
    const blob = new Blob(Array.from({ length: 64 }, () => piece));
    const content = kind === 'Blob' ? blob : blob.stream();
    const used = () => {
      collectGarbage();
      return process.memoryUsage().arrayBuffers;
    };
    const before = used();
    const growth: number[] = [];
    const look = async (bytes: number) => {
      await until(() => journal.produced.get('large')! >= bytes);
      growth.push(used() - before);
    };
    const measured = flow.measure('large', content);
    for (const bytes of [16 * MIB, 32 * MIB, 48 * MIB]) await look(bytes);
    expect((await measured).bytes).toBe(64 * MIB);
    // Held, it would have 48 MiB at the last look. A busy machine collects garbage late.
    expect(Math.max(...growth)).toBeLessThan(48 * MIB);
  });
});

describe.each(Object.entries(httpServers))('the body of %s', (_name, start) => {
  let server: FlowServer;

  beforeAll(async () => {
    server = await start();
  });
  beforeEach(() => journal.clear());
  afterAll(() => server.stop());

  const headers = { 'X-Correlation-ID': 'id', 'X-Protocol-Version': '2' };
  const marker = '{"isBinary":true,"isStream":true,"index":0,"size":0,"chunks":1}';

  async function post(operation: string, type: string, body: Uint8Array | string): Promise<[number, string]> {
    const reply = await fetch(`${server.url}/Flow-1.0.0-${operation}`, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': type },
      body: typeof body === 'string' ? body : new Blob([body]),
    });
    return [reply.status, await reply.text()];
  }

  const part = (name: string, content: string) =>
    `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${content}\r\n`;
  const multipart = (...parts: string[]) => `${parts.join('')}--b--\r\n`;
  const type = 'multipart/form-data; boundary=b';

  /** A frame as the documentation describes it. */
  function frame(kind: number, content = ''): Buffer<ArrayBuffer> {
    const head = Buffer.alloc(5);
    head[0] = kind;
    head.writeUInt32LE(Buffer.byteLength(content), 1);
    return Buffer.concat([head, Buffer.from(content)]);
  }
  const frames = 'application/vnd.linnet.stream';

  it('can be written by any client, as parts and as frames', async () => {
    const body = multipart(part('objects', `["raw",${marker}]`), part('stream-0', 'abc'));
    expect(await post('measure', type, body)).toEqual([200, '{"bytes":3,"sum":196}']);
    const items = [frame(1, `[${marker}]`), frame(1, '20'), frame(0), frame(1, '3'), frame(4)];
    expect(await post('sum', frames, Buffer.concat(items))).toEqual([200, '23']);
  });

  it.each([
    ['a stream without a place', multipart(part('objects', '["a",1]'), part('stream-0', 'abc'))],
    [
      'a stream inside of an argument',
      multipart(part('objects', `["a",[${marker}]]`), part('stream-0', 'abc')),
    ],
    ['two places', multipart(part('objects', `[${marker},${marker}]`), part('stream-0', 'abc'))],
    ['a stream before the arguments', multipart(part('stream-0', 'abc'), part('objects', `["a",${marker}]`))],
    [
      'two streams',
      multipart(part('objects', `["a",${marker}]`), part('stream-0', 'abc'), part('stream-1', 'abc')),
    ],
    ['no end', part('objects', `["a",${marker}]`) + part('stream-0', 'abc')],
    ['another stream than the first', multipart(part('objects', `["a",${marker}]`), part('stream-7', 'abc'))],
  ])('is refused with 400 if it has %s', async (_fault, body) => {
    const [status, text] = await post('measure', type, body);
    expect([status, text]).toEqual([400, expect.stringContaining('Invalid request')]);
  });

  it.each([
    ['no arguments', [frame(1, '5'), frame(4)]],
    ['no stream among its arguments', [frame(1, '[5]'), frame(4)]],
    ['no end', [frame(1, `[${marker}]`), frame(1, '5')]],
    ['half a frame', [frame(1, `[${marker}]`), frame(1, '5').subarray(0, 4)]],
    ['an item behind the end', [frame(1, `[${marker}]`), frame(4), frame(1, '5')]],
    ['an unknown frame', [frame(1, `[${marker}]`), frame(9, '5'), frame(4)]],
    ['an item that is not JSON', [frame(1, `[${marker}]`), frame(1, '{'), frame(4)]],
    ['malformed blocks', [frame(1, `[${marker}]`), frame(3, 'xxxxxxxx'), frame(4)]],
    ['a frame that is too large', [frame(1, `[${marker}]`), Buffer.from([2, 0xff, 0xff, 0xff, 0xff])]],
  ])('is refused with 400 if its frames have %s', async (_fault, list) => {
    const [status, text] = await post('sum', frames, Buffer.concat(list));
    expect([status, text]).toEqual([400, expect.stringContaining('Invalid request')]);
  });

  it('is read no faster than the method reads', async () => {
    const message = request(`${server.url}/Flow-1.0.0-once`, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': frames, Accept: frames },
      agent: false,
    });
    message.on('error', () => undefined);
    message.write(frame(1, `[${marker}]`));
    let sent = 0;
    const item = Buffer.concat(Array.from({ length: 64 }, () => frame(1, JSON.stringify('x'.repeat(1000)))));
    // The method reads nothing of the stream.
    for (let isTaken = true; isTaken; sent += item.byteLength) {
      isTaken = message.write(item);
      if (!isTaken) isTaken = await Promise.race([once(message, 'drain').then(() => true), late()]);
      if (sent > 64 * MIB) break;
    }
    expect(sent).toBeLessThan(16 * MIB + STREAM_WINDOW);
    message.destroy();
    // The server would wait for the method when it stops.
    for (const pass of journal.passes.values()) pass();
  });

  it('that breaks off makes the reader of the method fail', async () => {
    const message = request(`${server.url}/Flow-1.0.0-measure`, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': type },
      agent: false,
    });
    message.on('error', () => undefined);
    message.write(part('objects', `["cut",${marker}]`) + part('stream-0', 'x'.repeat(1000)).slice(0, -2));
    await until(() => journal.produced.has('cut'));
    message.destroy();
    await until(() => journal.failed.length === 1);
  });
});

/** `false` if nothing moves any more. */
async function late(): Promise<boolean> {
  for (let times = 0; times < 5; times++) await settled();
  return false;
}
