import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, jest } from '@jest/globals';
import { countBytes, Slices, TURN_STEPS } from './turn.slices.js';

/** Work of so many steps that notes them. */
function workOf(name: string, steps: number, log: string[]): Slices {
  let left = steps;
  return new Slices(() => {
    log.push(name);
    return --left > 0;
  });
}

describe('slices of work', () => {
  it('run at once if there is little to do', () => {
    const log: string[] = [];
    workOf('a', 1, log).go();
    expect(log).toEqual(['a']);
  });

  it('never do more than a turn allows, and finish all work', async () => {
    const log: string[] = [];
    const work = workOf('a', 10 * TURN_STEPS, log);
    work.go();
    let before = 0;
    let turns = 0;
    for (; log.length < 10 * TURN_STEPS; turns++) {
      expect(log.length - before).toBeLessThanOrEqual(TURN_STEPS);
      before = log.length;
      await nextTurn();
    }
    expect(turns).toBeGreaterThanOrEqual(9);
    expect(work.isWaiting).toBe(false);
  });

  it('alternate if several have work', async () => {
    const log: string[] = [];
    const long = workOf('long', 50 * TURN_STEPS, log);
    long.go();
    workOf('short', 1, log).go();
    for (let i = 0; i < 3 && !log.includes('short'); i++) await nextTurn();
    expect(log).toContain('short');
    expect(log.length).toBeLessThan(5 * TURN_STEPS);
    long.stop();
  });

  it('run in the asynchronous context that started them', async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: Record<string, Set<unknown>> = {};
    const works = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => {
      let left = 3 * TURN_STEPS;
      const stores = (seen[name] = new Set());
      return [
        name,
        new Slices(() => {
          stores.add(storage.getStore());
          return --left > 0;
        }),
      ] as const;
    });
    for (const [name, work] of works) storage.run(name, () => work.go());
    while (works.some(([, work]) => work.isWaiting)) await nextTurn();
    for (const [name] of works) expect([...seen[name]!]).toEqual([name]);
  });

  it('wait for another turn after many parsed bytes', async () => {
    await nextTurn();
    const log: string[] = [];
    countBytes(10 * 1024 * 1024);
    workOf('a', 1, log).go();
    expect(log).toEqual([]);
    await nextTurn();
    await nextTurn();
    expect(log).toEqual(['a']);
  });
});

describe('work behind the events that wait already, in a page', () => {
  it('is done whole, in its order, also if several have asked in one turn', async () => {
    // A page has no `setImmediate`. The module reads the platform when it is loaded.
    const { setImmediate: immediate } = globalThis;
    delete (globalThis as { setImmediate?: unknown }).setImmediate;
    const opened: InstanceType<typeof MessageChannel>[] = [];
    const { MessageChannel: Channel } = globalThis;
    globalThis.MessageChannel = class extends Channel {
      constructor() {
        super();
        opened.push(this);
      }
    };
    try {
      jest.resetModules();
      const { afterEvents } = await import('./turn.slices.js');
      const log: string[] = [];
      await new Promise<void>((resolve) => {
        for (const name of ['a', 'b', 'c']) afterEvents(() => log.push(name));
        afterEvents(resolve);
      });
      expect(log).toEqual(['a', 'b', 'c']);
      expect(opened).toHaveLength(1);
    } finally {
      globalThis.setImmediate = immediate;
      globalThis.MessageChannel = Channel;
      for (const { port1 } of opened) port1.close();
    }
  });
});
