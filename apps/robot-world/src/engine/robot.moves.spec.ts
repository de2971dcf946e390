import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { until } from '../../../../test/harness/waiting.js';
import type { Id64String } from '../common/robot-world.props.js';
import { RobotMoves } from './robot.moves.js';
import { RobotTraffic } from './robot.traffic.js';
import { RobotWorldEngine } from './robot-world.engine.js';
import { WarehouseDatabase } from './warehouse.database.js';

beforeAll(() => Logger.overrideLogger(false));

describe('two nodes on one file', () => {
  let folder: string;
  let nodes: {
    database: WarehouseDatabase;
    engine: RobotWorldEngine;
    moves: RobotMoves;
    traffic: RobotTraffic;
  }[];
  let robot: Id64String;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'robot-world-'));
    nodes = [1, 2].map(() => {
      const database = new WarehouseDatabase(join(folder, 'warehouse.db'));
      const engine = new RobotWorldEngine(database);
      return {
        database,
        engine,
        moves: new RobotMoves(engine, database, 1),
        traffic: new RobotTraffic(engine, 1),
      };
    });
    robot = nodes[0]!.engine.addRobot({ name: 'R2', x: 2, y: 1, radius: 0.5 });
    for (const { moves } of nodes) moves.onModuleInit();
  });
  afterEach(() => {
    for (const { database, moves, traffic } of nodes) {
      traffic.onModuleDestroy();
      moves.onModuleDestroy();
      database.onApplicationShutdown();
    }
    rmSync(folder, { recursive: true });
  });

  it('report the moves of each other, with the position before', async () => {
    const [one, two] = nodes as [(typeof nodes)[0], (typeof nodes)[0]];
    const seen: unknown[][] = [];
    two.engine.onMoved((...move) => seen.push(move));
    one.engine.moveRobot(robot, { x: 3, y: 1 });
    await until(() => seen.length > 0);
    two.engine.moveRobot(robot, { x: 4, y: 1 });
    one.engine.moveRobot(robot, { x: 5, y: 1 });
    await until(() => seen.length > 2);
    expect(seen).toEqual([
      [robot, { x: 3, y: 1 }, { x: 2, y: 1 }],
      [robot, { x: 4, y: 1 }, { x: 3, y: 1 }],
      [robot, { x: 5, y: 1 }, { x: 4, y: 1 }],
    ]);
  });

  it('end the drive of a robot that the other one stops, or drives elsewhere', async () => {
    const [one, two] = nodes as [(typeof nodes)[0], (typeof nodes)[0]];
    const far = { x: 90, y: 1 };
    const first = one.traffic.drive(robot, far);
    two.traffic.stop(robot);
    expect(await first).toMatchObject({ arrived: false });
    const second = one.traffic.drive(robot, far);
    const third = two.traffic.drive(robot, { x: 2, y: 1 });
    expect(await second).toMatchObject({ arrived: false });
    expect(await third).toMatchObject({ arrived: true });
  });
});
