import { describe, expect, it } from '@jest/globals';
import { preparePush } from '../message/outgoing.message.js';
import { Arrivals } from './arrivals.js';

const notification = (seq: number, ...args: unknown[]) => ({
  topics: ['r:floor'],
  except: [],
  message: preparePush('news', args),
  from: 'node',
  seq,
});

const none = { has: () => false, send: () => undefined };

describe('Arrivals', () => {
  it('keep the notifications of the topics of a session until it has come', () => {
    const arrivals = new Arrivals(1000);
    arrivals.begin('one', ['r:floor']);
    arrivals.begin('two', ['r:hall']);
    arrivals.offer(notification(1, 'a'));
    arrivals.offer(notification(2, 'b'));
    expect(arrivals.settle('one', none)?.map(({ seq }) => seq)).toEqual([1, 2]);
    expect(arrivals.settle('two', none)).toEqual([]);
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
    expect(arrivals.settle('one', none)).toBeUndefined();
  });
});
