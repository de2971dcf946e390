import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ByteSearch } from './byte.search.js';

describe('ByteSearch', () => {
  it('finds the same index as a plain search', () => {
    // Few different bytes, so that patterns overlap with themselves and nearly match.
    const bytes = (maxLength: number, minLength = 0) =>
      fc.array(fc.integer({ min: 0, max: 2 }), { minLength, maxLength });
    fc.assert(
      fc.property(bytes(8, 1), bytes(200), (pattern, data) => {
        const search = new ByteSearch(Uint8Array.from(pattern));
        expect(search.find(Uint8Array.from(data))).toBe(Buffer.from(data).indexOf(Buffer.from(pattern)));
      }),
      { numRuns: 2000 },
    );
  });

  it('finds a pattern at any index', () => {
    fc.assert(
      fc.property(
        fc.uint8Array(),
        fc.uint8Array({ minLength: 1 }),
        fc.uint8Array(),
        (before, pattern, after) => {
          const data = Buffer.concat([before, pattern, after]);
          expect(new ByteSearch(pattern).find(data)).toBe(data.indexOf(pattern));
        },
      ),
    );
  });

  it('stays linear for the worst data and pattern', () => {
    const pattern = new Uint8Array(1000);
    pattern[0] = 1;
    // Time of the processor: other programs may have it, too.
    const started = process.cpuUsage();
    expect(new ByteSearch(pattern).find(new Uint8Array(10_000_000))).toBe(-1);
    // The plain search would compare ten thousand million times.
    expect(process.cpuUsage(started).user / 1000).toBeLessThan(2000);
  });
});
