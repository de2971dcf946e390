import { getEventListeners } from 'node:events';
import { Logger } from '@nestjs/common';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { errorNumbers } from '../common/robot-world.errors.js';
import type { Id64String, Position } from '../common/robot-world.props.js';
import { FIRST_OBSTACLE, toId64 } from './element.id.js';
import { RobotTraffic } from './robot.traffic.js';
import { RobotWorldEngine } from './robot-world.engine.js';
import { WarehouseDatabase } from './warehouse.database.js';
import { insertObstacle } from './warehouse.schema.js';

beforeAll(() => Logger.overrideLogger(false));

describe('RobotTraffic', () => {
  const stride = 0.075;
  let database: WarehouseDatabase;
  let engine: RobotWorldEngine;
  let traffic: RobotTraffic;
  let robot: Id64String;
  /** A box from (6, 0) to (7, 4), in the margin that the generator leaves free. */
  const crate = FIRST_OBSTACLE + 900_000;

  beforeEach(() => {
    database = new WarehouseDatabase(':memory:');
    engine = new RobotWorldEngine(database);
    traffic = new RobotTraffic(engine, 1);
    database.run(insertObstacle, crate, 'pallet', 6, 7, 0, 4);
    robot = engine.addRobot({ name: 'R2', x: 2, y: 1, radius: 0.5 });
  });
  afterEach(() => {
    traffic.onModuleDestroy();
    database.onApplicationShutdown();
  });

  const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
  const place = (id = robot): Position => {
    const { x, y } = engine.robot(id);
    return { x, y };
  };
  /** Settles at the n-th move of the robot from now. */
  const moves = (n: number) =>
    new Promise<void>((resolve) => {
      let seen = 0;
      const end = engine.onMoved((id) => {
        if (id !== robot || ++seen < n) return;
        end();
        resolve();
      });
    });

  it('drives a robot in a straight line, a stride at a time, and exactly to its destination', async () => {
    const way: Position[] = [];
    engine.onMoved((id, position, before) => {
      expect(id).toBe(robot);
      expect(before).toEqual(way.at(-1) ?? { x: 2, y: 1 });
      way.push(position);
    });
    const to = { x: 3, y: 2 };
    expect(await traffic.drive(robot, to)).toEqual({ arrived: true, position: to });
    expect(place()).toEqual(to);
    expect(way).toHaveLength(Math.ceil(Math.SQRT2 / stride));
    expect(way[0]!.x).toBeCloseTo(2 + stride / Math.SQRT2);
    for (const { x, y } of way) expect(x - y).toBeCloseTo(1);
  });

  it('arrives at once if the robot is at its destination', async () => {
    expect(await traffic.drive(robot, place())).toEqual({ arrived: true, position: { x: 2, y: 1 } });
  });

  it('stops a robot in front of an obstacle, and names the obstacle', async () => {
    const result = await traffic.drive(robot, { x: 12, y: 1 });
    expect(result).toEqual({ arrived: false, position: place(), hit: [toId64(crate)] });
    expect(result.position.x).toBeLessThan(5.5);
    expect(result.position.x).toBeGreaterThan(5.5 - stride);
  });

  it('stops a robot at the edge of the floor', async () => {
    const result = await traffic.drive(robot, { x: -5, y: 1 });
    expect(result).toEqual({ arrived: false, position: place(), hit: [] });
    expect(result.position.x).toBeGreaterThanOrEqual(0.5);
    expect(result.position.x).toBeLessThan(0.5 + stride);
  });

  it('stops a robot at its place on demand', async () => {
    const drive = traffic.drive(robot, { x: 5, y: 1 });
    await moves(3);
    traffic.stop(robot);
    const { x } = place();
    expect(await drive).toEqual({ arrived: false, position: { x, y: 1 } });
    expect(x).toBeCloseTo(2 + 3 * stride);
    traffic.stop(robot);
    traffic.stop('0x7fff');
  });

  it('stops a robot when the signal is aborted, and leaves no listener on the signal', async () => {
    const caller = new AbortController();
    await traffic.drive(robot, { x: 2.2, y: 1 }, caller.signal);
    expect(getEventListeners(caller.signal, 'abort')).toEqual([]);
    const drive = traffic.drive(robot, { x: 5, y: 1 }, caller.signal);
    await moves(2);
    caller.abort();
    const position = place();
    expect(await drive).toEqual({ arrived: false, position });
    expect(await traffic.drive(robot, { x: 5, y: 1 }, caller.signal)).toEqual({ arrived: false, position });
  });

  it('replaces the destination of a drive by a new one', async () => {
    const first = traffic.drive(robot, { x: 5, y: 1 });
    await moves(3);
    const second = traffic.drive(robot, { x: 2, y: 3 });
    expect(await first).toMatchObject({ arrived: false });
    expect(await second).toEqual({ arrived: true, position: { x: 2, y: 3 } });
  });

  it('can stop a drive that has replaced another', async () => {
    const first = traffic.drive(robot, { x: 5, y: 1 });
    const second = traffic.drive(robot, { x: 2, y: 3 });
    await first;
    traffic.stop(robot);
    expect(await second).toMatchObject({ arrived: false });
  });

  it('continues from a place that the robot was moved to', async () => {
    const drive = traffic.drive(robot, { x: 5, y: 1 });
    await moves(2);
    engine.moveRobot(robot, { x: 4.5, y: 1 });
    expect(await drive).toEqual({ arrived: true, position: { x: 5, y: 1 } });
  });

  it('rejects an unknown robot', async () => {
    await expect(traffic.drive('0x7fff', { x: 5, y: 1 })).rejects.toMatchObject({
      errorNumber: errorNumbers.notFound,
    });
  });

  it('drives a hundred robots at once, and no more', async () => {
    const fleet = Array.from({ length: 100 }, () => engine.addRobot({ name: 'R', x: 2, y: 2, radius: 0.5 }));
    const drives = fleet.map((id) => traffic.drive(id, { x: 2, y: 3 }));
    await expect(traffic.drive(robot, { x: 2, y: 3 })).rejects.toThrow('Too many robots');
    // A robot that drives may get another destination.
    drives.push(traffic.drive(fleet[0]!, { x: 2, y: 2.5 }));
    const results = await Promise.all(drives);
    expect(results.filter(({ arrived }) => arrived)).toHaveLength(100);
    expect(await traffic.drive(robot, { x: 2, y: 1.1 })).toMatchObject({ arrived: true });
  });

  it('leaves no timer when everything has stopped', async () => {
    const before = timers();
    const drives = [robot, '0x1', '0x2'].map((id) => traffic.drive(id, { x: 5, y: 1 }));
    expect(timers()).toBeGreaterThan(before);
    traffic.onModuleDestroy();
    expect(timers()).toBe(before);
    for (const drive of drives) expect(await drive).toMatchObject({ arrived: false });
  });
});
