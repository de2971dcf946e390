import { describe, expect, it } from '@jest/globals';
import { defaultIpcLimits } from '../../base/limits.js';
import { decodeState, encodeState } from './session.state.js';
import type { SessionState } from './session.state.js';

const state: SessionState = {
  id: 'session',
  node: 'node',
  epoch: 2,
  user: '{"id":7}',
  secrets: ['a'.repeat(22), 'b'.repeat(22)],
  attempt: 3,
  received: 10,
  released: 4,
  position: 99,
  earlier: [{ node: 'before', position: 7 }],
  kept: ['[1,"itwin.news",["☃"]]', new Uint8Array([0, 1, 255]), ''],
  calls: [{ request: 5, channel: 'itwin.desk', isStream: true }],
  waiting: [
    { channel: 'itwin.log', data: ['☃', { bytes: Uint8Array.of(1, 2, 3) }] },
    { channel: 'itwin.log', data: [] },
  ],
  topics: [{ name: 'r:floor', entry: '{"data":1}' }],
  positions: [{ topic: 'r:floor', from: 'other', seq: 12 }],
};

describe('the state of a session', () => {
  it('is read as it was written', () => {
    expect(decodeState(encodeState(state), defaultIpcLimits)).toEqual(state);
    const empty = {
      ...state,
      user: null,
      kept: [],
      calls: [],
      waiting: [],
      topics: [],
      positions: [],
      secrets: [],
    };
    expect(decodeState(encodeState(empty), defaultIpcLimits)).toEqual(empty);
  });

  it.each([
    ['a number as id', { id: 7 }],
    ['a long id', { id: 'x'.repeat(2000) }],
    ['a negative number', { received: -1 }],
    ['a fraction', { released: 1.5 }],
    ['too many secrets', { secrets: Array.from({ length: 100 }, () => 'x') }],
    ['a long secret', { secrets: ['x'.repeat(1000)] }],
    ['a long entry', { topics: [{ name: 'r:a', entry: 'x'.repeat(5000) }] }],
    ['too many topics', { topics: Array.from({ length: 1000 }, () => ({ name: 'a', entry: '' })) }],
    ['a call without a number', { calls: [{ request: 'x', channel: '', isStream: false }] }],
    ['a node without a place', { earlier: [{ node: 'before' }] }],
    ['a channel without a name', { waiting: [{ channel: 7, data: [] }] }],
    ['a position without a number', { positions: [{ topic: 'a', from: 'b', seq: null }] }],
    ['a user that is a number', { user: 7 }],
  ])('is refused with %s', (_name, damage: object) => {
    const bytes = encodeState({ ...state, ...damage });
    expect(() => decodeState(bytes, defaultIpcLimits)).toThrow('damaged');
  });

  it('is refused above its limit of bytes', () => {
    const limits = { ...defaultIpcLimits, bufferedBytes: 0, messageBytes: 0, queuedBytes: 0 };
    const bytes = encodeState({ ...state, kept: [new Uint8Array(9_000_000)] });
    expect(() => decodeState(bytes, limits)).toThrow('length');
  });

  it('is read or refused, whichever bytes are damaged', () => {
    const whole = encodeState(state);
    for (let at = 0; at < whole.length; at++) {
      for (const value of [0, 1, 34, 91, 255]) {
        const bytes = whole.slice();
        bytes[at] = value;
        const run = () => decodeState(bytes, defaultIpcLimits);
        try {
          expect(run().kept).toHaveLength(3);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
          expect((error as Error).name).not.toBe('RangeError');
        }
      }
      try {
        decodeState(whole.subarray(0, at), defaultIpcLimits);
        throw new Error('read though it was cut off');
      } catch (error) {
        expect((error as Error).message).not.toContain('though');
      }
    }
  });
});
