import { Logger } from '@nestjs/common';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { FoundObstacles } from '../common/robot-world.props.js';
import { ObstacleSearch } from './obstacle.search.js';
import { RobotWorldEngine } from './robot-world.engine.js';
import { WarehouseDatabase } from './warehouse.database.js';

beforeAll(() => Logger.overrideLogger(false));

describe('ObstacleSearch', () => {
  let database: WarehouseDatabase;
  let engine: RobotWorldEngine;
  beforeEach(() => {
    database = new WarehouseDatabase(':memory:');
    engine = new RobotWorldEngine(database);
  });
  afterEach(() => database.onApplicationShutdown());

  it('finds every obstacle once, from south to north', async () => {
    // One over several strips, and one whose edges are those of a strip.
    const box = { kind: 'shelf', minX: 1, maxX: 2 } as const;
    engine.addObstacles([
      { ...box, minY: 2, maxY: 22 },
      { ...box, minY: 10, maxY: 15 },
    ]);
    const parts: FoundObstacles[] = [];
    for await (const part of new ObstacleSearch(engine, 0).find()) parts.push(part);
    const ids = parts.flatMap(({ obstacles }) => obstacles.map(({ id }) => id));
    const all = engine.queryObstacles({ minX: 0, minY: 0, maxX: 400, maxY: 250 });
    expect(ids.toSorted()).toEqual(all.map(({ id }) => id).toSorted());
    const shares = parts.map(({ searched }) => searched);
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(shares.slice(0, 2)).toEqual([0.02, 0.04]);
    expect(shares.at(-1)).toBe(1);
  });
});
