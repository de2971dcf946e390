import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ByteCollector, isBytes } from './bytes.js';

describe('isBytes', () => {
  it('accepts byte arrays of every realm, and nothing else', () => {
    expect([new Uint8Array(), Buffer.of(1), runInNewContext('new Uint8Array(1)')].map(isBytes)).toEqual([
      true,
      true,
      true,
    ]);
    const others = [
      new Uint16Array(1),
      new Uint8ClampedArray(1),
      new DataView(new ArrayBuffer(1)),
      [1],
      null,
      'x',
    ];
    expect(others.map(isBytes)).toEqual(others.map(() => false));
    expect(isBytes({ [Symbol.toStringTag]: 'Uint8Array' })).toBe(false);
  });
});

describe('ByteCollector', () => {
  const chunk = fc.oneof(fc.uint8Array(), fc.uint8Array({ minLength: 4096, maxLength: 5000 }));

  it('returns the pushed bytes in its own memory', () => {
    fc.assert(
      fc.property(fc.array(chunk), (chunks) => {
        const collector = new ByteCollector();
        const expected = Buffer.concat(chunks);
        for (const each of chunks) collector.push(each);
        expect(collector.size).toBe(expected.byteLength);
        const taken = collector.take();
        for (const each of chunks) each.fill(0);
        expect(Buffer.from(taken).equals(expected)).toBe(true);
        expect(collector.size).toBe(0);
      }),
    );
  });

  it('shows the pushed bytes in a view', () => {
    fc.assert(
      fc.property(fc.array(chunk), (chunks) => {
        const collector = new ByteCollector();
        for (const each of chunks) collector.push(each);
        expect(Buffer.from(collector.view()).equals(Buffer.concat(chunks))).toBe(true);
      }),
    );
  });

  it('can be reused without a change to bytes that were taken', () => {
    const collector = new ByteCollector();
    for (let i = 0; i < 100; i++) collector.push(Uint8Array.of(i));
    const first = collector.take();
    const copy = Uint8Array.from(first);
    for (let i = 0; i < 9000; i++) collector.push(Uint8Array.of(7));
    expect(first).toEqual(copy);
    expect(collector.take()).toEqual(new Uint8Array(9000).fill(7));
  });
});
