import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { lengthOf, squareFromLine, squareToBox } from './distance.js';

const box = { minX: 1, minY: 2, maxX: 3, maxY: 2.5 };
const coordinate = fc.double({ min: -2, max: 6, noNaN: true });
const place = fc.record({ x: coordinate, y: coordinate });

describe('the distance on the floor', () => {
  it('from a place to a box is the distance to the nearest point', () => {
    expect(squareToBox({ x: 2, y: 2.2 }, box)).toBe(0);
    expect(squareToBox({ x: 0, y: 2.2 }, box)).toBe(1);
    expect(squareToBox({ x: 6, y: 6.5 }, box)).toBe(25);
  });

  it('from a line to a box is the distance of its nearest place', () => {
    fc.assert(
      fc.property(place, place, (from, to) => {
        const nearest = Math.sqrt(squareFromLine(from, to, box));
        const sampled = Math.min(
          ...Array.from({ length: 401 }, (_, i) => {
            const part = i / 400;
            const at = { x: from.x + part * (to.x - from.x), y: from.y + part * (to.y - from.y) };
            return Math.sqrt(squareToBox(at, box));
          }),
        );
        // Between two samples lie at most 11.4 m / 400.
        expect(nearest).toBeLessThanOrEqual(sampled + 1e-9);
        expect(nearest).toBeGreaterThan(sampled - 0.03);
      }),
    );
  });

  it.each([
    [{ x: 0, y: 2.2 }, { x: 4, y: 2.2 }, 0],
    [{ x: 2, y: 0 }, { x: 2, y: 6 }, 0],
    [{ x: 2, y: 2.2 }, { x: 2, y: 2.2 }, 0],
    [{ x: 0, y: 2.4 }, { x: 2, y: 4.4 }, 0.405],
    [{ x: 5, y: 0 }, { x: 5, y: 6 }, 4],
  ])('from a line to a box is exact for a line from %j to %j', (from, to, square) => {
    expect(squareFromLine(from, to, box)).toBeCloseTo(square);
  });

  it('along a way is the sum of its parts', () => {
    expect(lengthOf([])).toBe(0);
    expect(
      lengthOf([
        { x: 0, y: 0 },
        { x: 3, y: 4 },
        { x: 3, y: 5 },
      ]),
    ).toBe(6);
  });
});
