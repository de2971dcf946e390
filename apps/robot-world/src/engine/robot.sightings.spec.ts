import { getEventListeners } from 'node:events';
import { Logger } from '@nestjs/common';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { errorNumbers } from '../common/robot-world.errors.js';
import type { Id64String } from '../common/robot-world.props.js';
import { RobotSightings } from './robot.sightings.js';
import { RobotWorldEngine } from './robot-world.engine.js';
import { WarehouseDatabase } from './warehouse.database.js';

beforeAll(() => Logger.overrideLogger(false));

describe('RobotSightings', () => {
  let database: WarehouseDatabase;
  let engine: RobotWorldEngine;
  let sightings: RobotSightings;
  let robot: Id64String;
  let controller: AbortController;
  beforeEach(() => {
    database = new WarehouseDatabase(':memory:');
    engine = new RobotWorldEngine(database);
    sightings = new RobotSightings(engine);
    robot = engine.addRobot({ name: 'R2', x: 2, y: 1, radius: 0.5 });
    controller = new AbortController();
  });
  afterEach(() => database.onApplicationShutdown());

  it('yields where a robot is, and then each of its moves', async () => {
    const follow = sightings.follow(robot, controller.signal);
    expect(await follow.next()).toEqual({ done: false, value: { x: 2, y: 1, travelled: 0 } });
    const next = follow.next();
    engine.moveRobot('0x1', { x: 3, y: 3 });
    engine.moveRobot(robot, { x: 4, y: 1 });
    expect(await next).toEqual({ done: false, value: { x: 4, y: 1, travelled: 2 } });
    await follow.return(undefined);
  });

  it('yields the latest position to a reader that reads slowly, with the whole way', async () => {
    const follow = sightings.follow(robot, controller.signal);
    await follow.next();
    for (const x of [3, 2, 4]) engine.moveRobot(robot, { x, y: 1 });
    expect(await follow.next()).toEqual({ done: false, value: { x: 4, y: 1, travelled: 4 } });
    await follow.return(undefined);
  });

  it('ends with its signal, and removes its listeners', async () => {
    const follow = sightings.follow(robot, controller.signal);
    await follow.next();
    const next = follow.next();
    controller.abort();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });

  it('rejects a robot that does not exist', async () => {
    await expect(sightings.follow('0x7fff', controller.signal).next()).rejects.toMatchObject({
      errorNumber: errorNumbers.notFound,
    });
  });
});
