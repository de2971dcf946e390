import { describe, expect, it, jest } from '@jest/globals';
import { decodeBlocks, encodeBlocks } from './byte.blocks.js';
import { BytePool } from './byte.pool.js';

const KIB = 1024;
const uncounted = { add: () => undefined };

describe('BytePool', () => {
  it('takes memory that was given back for a byte string of about the same length', () => {
    const pool = new BytePool(256 * KIB, uncounted);
    const first = pool.take(65 * KIB + 1);
    pool.give(first);
    const second = pool.take(65 * KIB + 2);
    expect(second.buffer).toBe(first.buffer);
    expect(second.byteLength).toBe(65 * KIB + 2);
    expect(pool.take(65 * KIB).buffer).not.toBe(first.buffer);
  });

  it('keeps no more than its limit, and nothing after it was cleared', () => {
    const pool = new BytePool(100 * KIB, uncounted);
    const [a, b] = [pool.take(64 * KIB), pool.take(64 * KIB)];
    pool.give(a);
    pool.give(b);
    expect(pool.take(64 * KIB).buffer).toBe(a.buffer);
    expect(pool.take(64 * KIB).buffer).not.toBe(b.buffer);
    pool.give(a);
    pool.clear();
    expect(pool.take(64 * KIB).buffer).not.toBe(a.buffer);
  });

  it('keeps memory while it is used, and nothing a second after', () => {
    jest.useFakeTimers();
    let kept = 0;
    const pool = new BytePool(100 * KIB, { add: (by) => (kept += by) });
    const used = pool.take(64 * KIB);
    for (let second = 0; second < 3; second++) {
      pool.give(used);
      jest.advanceTimersByTime(999);
      expect(pool.take(64 * KIB).buffer).toBe(used.buffer);
    }
    pool.give(used);
    jest.advanceTimersByTime(2_000);
    expect([kept, jest.getTimerCount()]).toEqual([0, 0]);
    expect(pool.take(64 * KIB).buffer).not.toBe(used.buffer);
    jest.useRealTimers();
  });

  it('keeps no short memory', () => {
    const pool = new BytePool(100 * KIB, uncounted);
    const short = pool.take(100);
    pool.give(short);
    expect(pool.take(100).buffer).not.toBe(short.buffer);
  });
});

describe('blocks in memory that was used before', () => {
  it('have nothing of its former content around them', () => {
    const blocks = [Uint8Array.of(1), Uint8Array.of(2, 3), Uint8Array.of(4, 5, 6)];
    const clean = encodeBlocks(blocks);
    const dirty = encodeBlocks(blocks, {
      take: (bytes) => new Uint8Array(bytes + 20).fill(9).subarray(20),
    });
    expect(dirty).toEqual(clean);
    expect(decodeBlocks(dirty, 3)).toEqual(blocks);
  });
});
