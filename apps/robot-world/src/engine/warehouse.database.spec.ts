import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { WarehouseDatabase } from './warehouse.database.js';
import * as sql from './warehouse.schema.js';

beforeAll(() => Logger.overrideLogger(false));

describe('WarehouseDatabase', () => {
  const folder = mkdtempSync(join(tmpdir(), 'robot-world-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('fills a new file once, and keeps later changes', () => {
    const file = join(folder, 'warehouse.db');
    const first = new WarehouseDatabase(file);
    first.run(sql.insertRobot, 'R2', 1, 1, 0.5);
    first.onApplicationShutdown();
    const second = new WarehouseDatabase(file);
    expect(second.column(sql.countRobots)).toEqual([501]);
    second.onApplicationShutdown();
  });

  it.each([
    ['obstacles that a robot touches', sql.obstaclesTouchingDisc],
    ['robots in a region', sql.robotsInRegion],
    ['obstacles to draw', sql.obstacleBoxes],
    ['robots to draw', sql.robotBoxes],
  ])('finds %s by the spatial index', (_name, query) => {
    const database = new WarehouseDatabase(':memory:');
    const plan = database
      .rows<[number, number, number, string]>(`EXPLAIN QUERY PLAN ${query}`, 1, 1, 1, 1)
      .map(([, , , detail]) => detail);
    database.onApplicationShutdown();
    // Strategy 2 of an R*Tree descends by constraints, which are listed; without any, all of it is read.
    expect(plan[0]).toMatch(/^SCAN \w+ VIRTUAL TABLE INDEX 2:\w{8}/);
    expect(plan.slice(1).filter((step) => step.startsWith('SCAN'))).toEqual([]);
  });
});
