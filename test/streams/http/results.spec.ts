import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { RpcProxy } from '@linnet/common';
import { settled, until } from '../../harness/waiting.js';
import { allItems, journal, readOneByOne } from './flow.js';
import type { Flow } from './flow.js';
import { servers } from './servers.js';
import type { FlowServer } from './servers.js';

/** The items of a stream. */
async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

/** How often readers leave. Each time the buffers of a connection are filled. */
const TIMES = 10;

const numbers = (to: number) => Array.from({ length: to }, (_, i) => i);

describe.each(Object.entries(servers))('a stream from %s', (_name, start) => {
  let server: FlowServer;
  let flow: RpcProxy<Flow>;

  beforeAll(async () => {
    server = await start();
    flow = server.client();
  });
  beforeEach(() => journal.clear());
  afterAll(() => server.stop());

  it('gives its items in order, and ends', async () => {
    expect(await collect(flow.count(20_000))).toEqual(numbers(20_000));
    expect(await collect(flow.count(0))).toEqual([]);
  });

  it('carries values, bytes, and values with bytes', async () => {
    expect(await collect(flow.items())).toEqual(allItems());
  });

  it('carries bytes in one piece each', async () => {
    const pieces: Uint8Array[] = await collect(flow.pieces(20, 300_000));
    expect(pieces.map((each) => [each.byteLength, each[0], each.at(-1)])).toEqual(
      numbers(20).map((i) => [300_000, i, i]),
    );
  });

  it('shows an item before the next one is made', async () => {
    expect(await readOneByOne(flow)).toEqual([
      { done: false, value: 1 },
      { done: false, value: 2 },
      { done: true, value: undefined },
    ]);
  });

  it.each([0, 1, 5000])('ends with the error of the method after %i items', async (after) => {
    const read: number[] = [];
    const reading = (async () => {
      for await (const item of flow.failing(after)) read.push(item);
    })();
    await expect(reading).rejects.toMatchObject({ message: 'no more', errorNumber: 4711, left: after });
    expect(read).toEqual(numbers(after));
  });

  it('stops its producer if the reader leaves the loop', async () => {
    for (let i = 0; i < TIMES; i++) for await (const _item of flow.watch(`break ${i}`, 10_000)) break;
    await until(() => journal.ended.length === TIMES);
  });

  it('stops its producer if the caller aborts', async () => {
    for (let i = 0; i < TIMES; i++) {
      const caller = new AbortController();
      const reading = (async () => {
        for await (const _item of flow.with({ signal: caller.signal }).watch(`abort ${i}`, 10_000))
          caller.abort(new Error('enough'));
      })();
      await expect(reading).rejects.toThrow('enough');
    }
    await until(() => journal.ended.length === TIMES);
  });

  it('stops its producer at the deadline, and rejects', async () => {
    const reading = collect(flow.with({ timeoutMs: 200 }).watch('deadline', 10_000));
    await expect(reading).rejects.toMatchObject({ name: 'DeadlineError' });
    await until(() => journal.ended.length === 1);
  });

  it('stops a method that has given no item', async () => {
    const caller = new AbortController();
    const reading = collect(flow.with({ signal: caller.signal }).quiet('quiet'));
    await until(() => journal.produced.has('quiet'));
    caller.abort(new Error('enough'));
    await expect(reading).rejects.toThrow('enough');
    await until(() => journal.ended.length === 1);
  });

  it('stops its producer if the client does not read', async () => {
    const items = flow.watch('slow', 10_000)[Symbol.asyncIterator]();
    await items.next();
    let before = -1;
    await until(async () => {
      const now = journal.produced.get('slow')!;
      const isStill = now === before;
      before = now;
      await settled();
      return isStill;
    });
    // The buffers of the sockets have several megabytes.
    expect(before * 10_000).toBeLessThan(32 * 1024 * 1024);
    await items.return!();
    await until(() => journal.ended.includes('slow'));
  });

  it('refuses a client that accepts no stream, and does not run the method', async () => {
    const plain = flow.with({ headers: { Accept: '*/*' } });
    await expect(collect(plain.watch('never', 1))).rejects.toThrow('Flow.watch answers with a stream');
    expect(journal.produced.has('never')).toBe(false);
  });
});
