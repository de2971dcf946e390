import { describe, expect, it } from '@jest/globals';
import { floor, layOutWarehouse } from './warehouse.layout.js';

describe('layOutWarehouse', () => {
  const { obstacles, robots } = layOutWarehouse(1);

  it('furnishes a large warehouse', () => {
    expect(obstacles.length).toBeGreaterThanOrEqual(10_000);
    expect(robots.length).toBeGreaterThanOrEqual(500);
  });

  it('keeps everything on the floor', () => {
    const boxes = [
      ...obstacles,
      ...robots.map(({ x, y, radius: r }) => ({ minX: x - r, minY: y - r, maxX: x + r, maxY: y + r })),
    ];
    const outside = boxes.filter(
      ({ minX, minY, maxX, maxY }) => minX < 0 || minY < 0 || maxX > floor.width || maxY > floor.depth,
    );
    expect(outside).toEqual([]);
  });

  it('makes the same warehouse from the same seed, and another one from another seed', () => {
    expect(layOutWarehouse(1)).toEqual({ obstacles, robots });
    expect(layOutWarehouse(2).robots).not.toEqual(robots);
  });
});
