import { describe, expect, it } from '@jest/globals';
import { endingWith, leaveItems, readerItems } from './reading.js';
import { streamEnd } from './stream.js';
import type { StreamItems } from './stream.js';

/** Items of a generator that counts its ends. */
function counted(fails = false): { items: StreamItems; ends: () => number } {
  let ends = 0;
  async function* generate() {
    try {
      yield 1;
      if (fails) throw new Error('no');
    } finally {
      ends++;
    }
  }
  return { items: generate(), ends: () => ends };
}

describe('endingWith', () => {
  it.each([
    ['the last item', false, async (items: StreamItems) => void (await items.next(), await items.next())],
    ['an early leave', false, async (items: StreamItems) => void (await items.next(), await items.return())],
    [
      'an error',
      true,
      async (items: StreamItems) => {
        await items.next();
        await expect(items.next()).rejects.toThrow('no');
      },
    ],
  ])('calls back once after %s', async (_name, fails, read) => {
    const { items, ends } = counted(fails);
    let overs = 0;
    await read(endingWith(items, () => overs++));
    expect([overs, ends()]).toEqual([1, 1]);
  });
});

describe('leaveItems', () => {
  it('stops a producer, and ignores its error', async () => {
    const { items, ends } = counted();
    await items.next();
    leaveItems(items);
    await items.next();
    expect(ends()).toBe(1);
    leaveItems({ next: () => Promise.resolve(streamEnd), return: () => Promise.reject(new Error('no')) });
    leaveItems({
      next: () => Promise.resolve(streamEnd),
      return() {
        throw new Error('no');
      },
    });
  });
});

describe('readerItems', () => {
  it('reads a stream, and cancels it when its reader leaves', async () => {
    let cancelled = 0;
    const stream = new ReadableStream<number>({
      start: (it) => it.enqueue(1),
      cancel: () => void cancelled++,
    });
    const items = readerItems<number>(stream);
    expect(await items.next()).toEqual({ done: false, value: 1 });
    expect(await items.return()).toEqual(streamEnd);
    expect(cancelled).toBe(1);
  });
});
