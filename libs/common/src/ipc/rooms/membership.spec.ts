import { describe, expect, it } from '@jest/globals';
import { FrameOrder } from './membership.js';

describe('FrameOrder', () => {
  it('takes a frame that one topic brings after a later frame of another topic, or of this node', () => {
    const order = new FrameOrder();
    const isNew = (topic: string | undefined, seq: number) => order.isNew(topic, 'node', seq, false);
    expect([isNew('r:b', 5), isNew(undefined, 7), isNew('r:a', 4), isNew(undefined, 8)]).toEqual(
      Array(4).fill(true),
    );
  });

  it('does not take a frame of a topic twice, or after a later one', () => {
    const order = new FrameOrder();
    const isNew = (from: string, seq: number) => order.isNew('r:a', from, seq, false);
    expect([isNew('one', 1), isNew('one', 2), isNew('one', 1), isNew('one', 2), isNew('two', 1)]).toEqual([
      true,
      true,
      false,
      false,
      true,
    ]);
  });

  it('takes a frame to several topics once', () => {
    const order = new FrameOrder();
    const isNew = (topic: string, from: string) => order.isNew(topic, from, 3, true);
    expect([isNew('r:a', 'one'), isNew('r:b', 'one'), isNew('r:b', 'two')]).toEqual([true, false, true]);
  });
});
