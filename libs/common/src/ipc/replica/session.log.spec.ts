import { describe, expect, it } from '@jest/globals';
import { defaultIpcLimits } from '../../base/limits.js';
import { encodeChange, readLog } from './session.log.js';
import type { SessionState } from './session.state.js';

const whole: SessionState = {
  id: 'session',
  node: 'one',
  epoch: 0,
  user: null,
  secrets: ['a'.repeat(22)],
  attempt: 1,
  received: 3,
  released: 2,
  position: 5,
  earlier: [],
  kept: ['third', 'fourth'],
  calls: [],
  waiting: [],
  topics: [{ name: 'r:a', entry: '' }],
  positions: [
    { topic: 'r:a', from: 'two', seq: 1 },
    { topic: 'r:a', from: 'three', seq: 9 },
  ],
};
const read = (frames: readonly Uint8Array[]) => readLog(frames, defaultIpcLimits);

describe('the log of a session', () => {
  const first = encodeChange({ isWhole: true, hasTopics: true, state: whole });
  const change: SessionState = {
    ...whole,
    received: 8,
    released: 3,
    kept: ['fifth', new Uint8Array([5])],
    topics: [],
    positions: [{ topic: 'r:a', from: 'two', seq: 4 }],
  };
  const second = encodeChange({ isWhole: false, hasTopics: false, state: change });

  it('adds changes to the whole state', () => {
    expect(read([...first, ...second])).toEqual({
      ...change,
      kept: ['fourth', 'fifth', new Uint8Array([5])],
      topics: whole.topics,
      positions: [
        { topic: 'r:a', from: 'two', seq: 4 },
        { topic: 'r:a', from: 'three', seq: 9 },
      ],
    });
    const left = encodeChange({ isWhole: false, hasTopics: true, state: { ...change, kept: [] } });
    expect(read([...first, ...left])?.topics).toEqual([]);
  });

  it('begins again with each whole state', () => {
    expect(read([...first, ...second, ...first])).toEqual(whole);
    expect([read([]), read(second)]).toEqual([undefined, undefined]);
  });

  it('carries states above the size of a frame, and leaves out one that is not complete', () => {
    const large = { ...whole, kept: [new Uint8Array(1_300_000).fill(7)] };
    const frames = encodeChange({ isWhole: true, hasTopics: true, state: large });
    expect(frames.length).toBe(3);
    expect(read(frames)?.kept).toHaveLength(1);
    expect(read([...first, ...frames.slice(0, 2)])).toEqual(whole);
    expect(read([...first, ...frames.slice(0, 2), ...second])?.received).toBe(8);
  });

  it('is read or refused, whichever bytes are damaged', () => {
    const frames = [...first, ...second];
    for (const [i, frame] of frames.entries()) {
      for (let at = 0; at < frame.length; at++) {
        for (const value of [0, 34, 255]) {
          const damaged = frames.map((each) => each.slice());
          damaged[i]![at] = value;
          try {
            const state = read(damaged);
            expect(state === undefined || Array.isArray(state.kept)).toBe(true);
          } catch (error) {
            expect((error as Error).name).not.toBe('RangeError');
          }
        }
      }
    }
    expect(() => read([new Uint8Array(0)])).toThrow('damaged');
    expect(() => read([new Uint8Array(5000)])).toThrow('damaged');
  });
});
