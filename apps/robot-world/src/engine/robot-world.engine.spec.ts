import { Logger } from '@nestjs/common';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { errorNumbers } from '../common/robot-world.errors.js';
import { FloorCell } from '../common/robot-world.props.js';
import { FIRST_OBSTACLE, toId64 } from './element.id.js';
import { RobotWorldEngine } from './robot-world.engine.js';
import { WarehouseDatabase } from './warehouse.database.js';
import { insertObstacle } from './warehouse.schema.js';

beforeAll(() => Logger.overrideLogger(false));

describe('RobotWorldEngine', () => {
  let database: WarehouseDatabase;
  let engine: RobotWorldEngine;
  /** A box from (1, 2) to (3, 3), in the margin that the generator leaves free. */
  const crate = FIRST_OBSTACLE + 900_000;

  beforeEach(() => {
    database = new WarehouseDatabase(':memory:');
    engine = new RobotWorldEngine(database);
    database.run(insertObstacle, crate, 'pallet', 1, 3, 2, 3);
  });
  afterEach(() => database.onApplicationShutdown());

  const rejection = (errorNumber: number, message: string) =>
    expect.objectContaining({ errorNumber, message: expect.stringContaining(message) });
  const attempt = (work: () => unknown): unknown => {
    try {
      return work();
    } catch (error) {
      return error;
    }
  };

  it('counts robots', () => {
    expect(engine.countRobots()).toBe(500);
    engine.addRobot({ name: 'R2', x: 2, y: 1, radius: 0.5 });
    expect(engine.countRobots()).toBe(501);
  });

  it('counts the robots among ids of robots, obstacles and nothing', () => {
    const ids = ['0x1', '0x2', '0x1', toId64(crate), '0x7fff', '0xffffffffffffffff'];
    expect(engine.countRobotsInArray(ids)).toBe(2);
    expect(engine.countRobotsInArray([])).toBe(0);
  });

  it('finds the robots of a region, its edges included', () => {
    const id = engine.addRobot({ name: 'R2', x: 2, y: 1, radius: 0.5 });
    const found = [{ id, name: 'R2', x: 2, y: 1, radius: 0.5 }];
    expect(engine.queryRobots({ minX: 2, minY: 0, maxX: 3, maxY: 1 })).toEqual(found);
    // Its edge reaches in, its centre does not.
    expect(engine.queryRobots({ minX: 2.1, minY: 0, maxX: 3, maxY: 1 })).toEqual([]);
  });

  it('finds the obstacles that reach into a region, its edges included', () => {
    const found = [{ id: toId64(crate), kind: 'pallet', minX: 1, minY: 2, maxX: 3, maxY: 3 }];
    expect(engine.queryObstacles({ minX: 3, minY: 0, maxX: 4, maxY: 2 })).toEqual(found);
    expect(engine.queryObstacles({ minX: 2, minY: 2.4, maxX: 2.1, maxY: 2.5 })).toEqual(found);
    expect(engine.queryObstacles({ minX: 3.001, minY: 0, maxX: 4, maxY: 4 })).toEqual([]);
    const all = engine.queryObstacles({ minX: 0, minY: 0, maxX: 400, maxY: 250 });
    expect(all).toHaveLength(database.column('SELECT count(*) FROM obstacle')[0]!);
    expect(all.map(({ id }) => Number(id))).toEqual(
      all.map(({ id }) => Number(id)).toSorted((a, b) => a - b),
    );
  });

  it('finds exactly the obstacles whose nearest point a robot reaches', () => {
    const boxes = database.rows<[id: number, minX: number, maxX: number, minY: number, maxY: number]>(
      'SELECT id, min_x, max_x, min_y, max_y FROM obstacle',
    );
    const everyRobot = engine.queryRobots({ minX: 0, minY: 0, maxX: 400, maxY: 250 });
    let hits = 0;
    for (const { id, x, y, radius } of everyRobot.slice(0, 100)) {
      const expected = boxes
        .filter(([, minX, maxX, minY, maxY]) => {
          const dx = Math.max(minX - x, 0, x - maxX);
          const dy = Math.max(minY - y, 0, y - maxY);
          return dx * dx + dy * dy <= radius * radius;
        })
        .map(([obstacle]) => toId64(obstacle));
      expect(engine.queryObstaclesHitByRobot(id)).toEqual(expected);
      hits += expected.length;
    }
    expect(hits).toBeGreaterThan(0);
  });

  it('throws for an unknown robot', () => {
    const notFound = rejection(errorNumbers.notFound, 'Robot 0x7fff does not exist');
    expect(attempt(() => engine.queryObstaclesHitByRobot('0x7fff'))).toEqual(notFound);
    expect(attempt(() => engine.moveRobot('0x7fff', { x: 1, y: 1 }))).toEqual(notFound);
  });

  it('moves a robot, also in the index', () => {
    expect(engine.moveRobot('0x1', { x: 2, y: 1 })).toMatchObject({ id: '0x1', x: 2, y: 1 });
    const region = { minX: 1, minY: 0.5, maxX: 3, maxY: 1.5 };
    expect(engine.queryRobots(region).map(({ id }) => id)).toEqual(['0x1']);
    engine.moveRobot('0x1', { x: 1, y: 4 });
    expect(engine.queryRobots(region)).toEqual([]);
  });

  it('moves no robot into an obstacle or off the floor', () => {
    const before = engine.queryRobots({ minX: 0, minY: 0, maxX: 400, maxY: 250 });
    const { notPossible } = errorNumbers;
    // The corner of the crate is at (3, 3): 0.42 m away is too near, the box around the robot is not what counts.
    expect(attempt(() => engine.moveRobot('0x1', { x: 3.3, y: 3.3 }))).toEqual(
      rejection(notPossible, `touch obstacle ${toId64(crate)} at (3.30 m, 3.30 m)`),
    );
    expect(attempt(() => engine.moveRobot('0x1', { x: 0.4, y: 1 }))).toEqual(
      rejection(notPossible, '400 m × 250 m'),
    );
    expect(engine.queryRobots({ minX: 0, minY: 0, maxX: 400, maxY: 250 })).toEqual(before);
    expect(engine.moveRobot('0x1', { x: 3.4, y: 3.4 })).toMatchObject({ x: 3.4, y: 3.4 });
  });

  it('names the obstacles that a robot would touch', () => {
    expect(attempt(() => engine.moveRobot('0x1', { x: 2, y: 2.5 }))).toMatchObject({ hit: [toId64(crate)] });
    expect(attempt(() => engine.moveRobot('0x1', { x: -1, y: 1 }))).toMatchObject({ hit: [] });
  });

  it('notifies listeners of moves until they are removed, and of no failed moves', () => {
    const { x, y } = engine.robot('0x1');
    const heard: unknown[] = [];
    const end = engine.onMoved((...move) => heard.push(move));
    engine.moveRobot('0x1', { x: 2, y: 1 });
    attempt(() => engine.moveRobot('0x1', { x: 2, y: 2.5 }));
    engine.stepRobot('0x1', { x: 2.1, y: 1 });
    end();
    engine.moveRobot('0x1', { x: 1, y: 1 });
    expect(heard).toEqual([
      ['0x1', { x: 2, y: 1 }, { x, y }],
      ['0x1', { x: 2.1, y: 1 }, { x: 2, y: 1 }],
    ]);
  });

  it('draws the floor from the north-west', () => {
    engine.addRobot({ name: 'R2', x: 3.5, y: 0.5, radius: 0.5 });
    const { free: _, obstacle: X, robot: R } = FloorCell;
    const snapshot = engine.floorSnapshot({ minX: 0, minY: 0, maxX: 4.5, maxY: 4 }, 1);
    // prettier-ignore
    expect([...snapshot]).toEqual([
      _, _, _, _, _,
      _, X, X, _, _,
      _, _, _, _, _,
      _, _, _, R, _,
    ]);
  });

  it('refuses to draw a picture that is too large', () => {
    const region = { minX: 0, minY: 0, maxX: 400, maxY: 250 };
    expect(attempt(() => engine.floorSnapshot(region, 0.1))).toEqual(
      rejection(errorNumbers.notPossible, '4000 × 2500 cells'),
    );
  });
});
