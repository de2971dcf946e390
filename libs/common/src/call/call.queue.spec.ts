import { getEventListeners } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { settled } from '../../../../test/harness/waiting.js';
import { streamEnd, StreamResult } from '../stream/stream.js';
import type { StreamItems } from '../stream/stream.js';
import { CallQueue } from './call.queue.js';

describe('CallQueue', () => {
  it('never runs more than its limit, keeps the order, and settles every call as its work did', async () => {
    const work = fc.record({ fails: fc.boolean(), turns: fc.nat(3) });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(work, { maxLength: 20 }),
        async (limit, works) => {
          const queue = new CallQueue(limit, 100);
          let running = 0;
          const started: number[] = [];
          const calls = works.map(({ fails, turns }, i) =>
            queue.run(async () => {
              started.push(i);
              expect(++running).toBeLessThanOrEqual(limit);
              for (let turn = 0; turn < turns; turn++) await Promise.resolve();
              running--;
              if (fails) throw new Error(`${i}`);
              return i;
            }),
          );
          const settled = await Promise.allSettled(calls);
          expect(started).toEqual(works.map((_, i) => i));
          for (const [i, result] of settled.entries())
            expect(result).toEqual(
              works[i]!.fails
                ? { status: 'rejected', reason: new Error(`${i}`) }
                : { status: 'fulfilled', value: i },
            );
        },
      ),
    );
  });

  it('refuses a call if too many wait, and accepts calls again afterwards', async () => {
    const queue = new CallQueue(1, 1);
    let release!: () => void;
    const first = queue.run(() => new Promise<void>((resolve) => (release = resolve)));
    const second = queue.run(() => 2);
    await expect(queue.run(() => 3)).rejects.toMatchObject({ status: 503, retryAfter: 1 });
    release();
    await first;
    await expect(second).resolves.toBe(2);
    await expect(queue.run(() => 4)).resolves.toBe(4);
  });

  it('frees the place of work that throws before it is asynchronous', async () => {
    const queue = new CallQueue(1, 1);
    const failing = queue.run(() => {
      throw new Error('sync');
    });
    await expect(failing).rejects.toThrow('sync');
    await expect(queue.run(() => 'next')).resolves.toBe('next');
  });

  async function* generate(ended: () => void) {
    try {
      yield 1;
      yield 2;
    } finally {
      await settled();
      ended();
    }
  }

  it.each<[string, (items: StreamItems) => Promise<unknown>]>([
    [
      'was read to its end',
      async (items) => {
        while (!(await items.next()).done);
      },
    ],
    ['was left', async (items) => items.return()],
    ['was left in the middle', async (items) => void (await items.next(), await items.return())],
    ['was left behind its end', async (items) => void (await items.next(), items.return(), items.return())],
  ])('counts a stream until its producer has ended, because it %s', async (_how, read) => {
    const queue = new CallQueue(1, 10);
    const order: string[] = [];
    const work = () => new StreamResult(generate(() => order.push('ended')));
    const { items } = await queue.run(work);
    const next = queue.run(() => void order.push('next'));
    const behind = queue.run(() => void order.push('behind'));
    await settled();
    expect(order).toEqual([]);
    await read(items);
    await Promise.all([next, behind]);
    expect(order.slice(-2)).toEqual(['next', 'behind']);
    // Its place was freed once.
    const { items: again } = await queue.run(work);
    const after = queue.run(() => void order.push('after'));
    await settled();
    expect(order).not.toContain('after');
    await again.return();
    await after;
  });

  it('frees the place of a stream that fails', async () => {
    const queue = new CallQueue(1, 1);
    const failing: StreamItems = {
      next: () => Promise.reject(new Error('no')),
      return: async () => streamEnd,
    };
    const { items } = await queue.run(() => new StreamResult(failing));
    const next = queue.run(() => 'next');
    await expect(items.next()).rejects.toThrow('no');
    await expect(next).resolves.toBe('next');
  });

  it('leaves no listener on a signal', async () => {
    const queue = new CallQueue(1, 10);
    const { signal } = new AbortController();
    const listeners = () => getEventListeners(signal, 'abort').length;
    let release!: () => void;
    const first = queue.run(() => new Promise<void>((resolve) => (release = resolve)));
    const waiting = [1, 2, 3].map((value) =>
      queue.run(
        () => [value, listeners()],
        () => signal,
      ),
    );
    expect(listeners()).toBe(3);
    release();
    await first;
    expect(await Promise.all(waiting)).toEqual([
      [1, 2],
      [2, 1],
      [3, 0],
    ]);
    expect(listeners()).toBe(0);
  });
});
