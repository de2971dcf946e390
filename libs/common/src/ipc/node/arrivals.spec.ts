import { describe, expect, it } from '@jest/globals';
import { settled } from '../../../../../test/harness/waiting.js';
import { preparePush } from '../message/outgoing.message.js';
import { Arrivals } from './arrivals.js';

const notification = (seq: number, ...args: unknown[]) => ({
  topics: ['r:floor'],
  except: [],
  message: preparePush('news', args),
  from: 'node',
  seq,
});

const never = new Promise(() => undefined);
const none = { positions: [], has: () => false, send: () => undefined };

describe('Arrivals', () => {
  it('keep the notifications of the topics of a session until it has come', () => {
    const arrivals = new Arrivals(1000);
    arrivals.begin('one', ['r:floor']);
    arrivals.begin('two', ['r:hall']);
    arrivals.offer(notification(1, 'a'));
    arrivals.offer(notification(2, 'b'));
    expect(arrivals.settle('one', never, none)?.map(({ seq }) => seq)).toEqual([1, 2]);
    expect(arrivals.settle('two', never, none)).toEqual([]);
    expect(arrivals.has('one', notification(3))).toBe(false);
  });

  it.each<[string, unknown]>([
    ['text', 'x'.repeat(600)],
    ['bytes', new Uint8Array(600)],
  ])('keep no more %s for a session than may wait for its frontend', (_kind, value) => {
    const arrivals = new Arrivals(1000);
    arrivals.begin('one', ['r:floor']);
    arrivals.offer(notification(1, value));
    expect(arrivals.has('one', notification(3))).toBe(true);
    arrivals.offer(notification(2, value));
    expect(arrivals.isEmpty).toBe(true);
    expect(arrivals.settle('one', never, none)).toBeUndefined();
  });

  it('remember a session that has come until it is over', async () => {
    const arrivals = new Arrivals(1000);
    arrivals.begin('one', ['r:floor']);
    let close!: () => void;
    const closed = new Promise<void>((resolve) => (close = resolve));
    arrivals.settle('one', closed, { ...none, has: ({ seq }) => seq === 1 });
    expect([1, 2].map((seq) => arrivals.has('one', notification(seq)))).toEqual([true, false]);
    close();
    await settled();
    expect(arrivals.isEmpty).toBe(true);
  });
});
