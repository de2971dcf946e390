import { describe, expect, it } from '@jest/globals';
import { FrameOrder } from './membership.js';

describe('FrameOrder', () => {
  it('takes a frame that one topic brings after a later frame of another topic, or of this node', () => {
    const order = new FrameOrder();
    const isNew = (topic: string | undefined, seq: number) =>
      order.placeOf(topic, 'node', seq, false, 0) === 'new';
    expect([isNew('r:b', 5), isNew(undefined, 7), isNew('r:a', 4), isNew(undefined, 8)]).toEqual(
      Array(4).fill(true),
    );
  });

  it('does not take a frame of a topic twice, or after a later one', () => {
    const order = new FrameOrder();
    const isNew = (from: string, seq: number) => order.placeOf('r:a', from, seq, false, 0) === 'new';
    expect([isNew('one', 1), isNew('one', 2), isNew('one', 1), isNew('one', 2), isNew('two', 1)]).toEqual([
      true,
      true,
      false,
      false,
      true,
    ]);
  });

  it('takes a frame to several topics once, and knows when that was', () => {
    const order = new FrameOrder();
    const place = (topic: string, from: string, mark: number) => order.placeOf(topic, from, 3, true, mark);
    expect([place('r:a', 'one', 7), place('r:b', 'one', 8), place('r:b', 'one', 9)]).toEqual([
      'new',
      7,
      'old',
    ]);
    expect(place('r:b', 'two', 9)).toBe('new');
  });
});
