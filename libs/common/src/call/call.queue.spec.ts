import { getEventListeners } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
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
