import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import { afterEach, describe, expect, it } from '@jest/globals';
import { getRpcClientToken } from '@linnet/backend';
import type { RpcProxy } from '@linnet/backend';
import { createTestRpcClient } from '@linnet/backend/testing';
import { errorNumbers, NotFoundError } from '../../../robot-world/src/common/robot-world.errors.js';
import type { ObstacleProps, RobotProps } from '../../../robot-world/src/common/robot-world.props.js';
import { RobotWorldReadRpcInterface } from '../../../robot-world/src/common/robot-world.rpc.js';
import { FleetPlannerRpcInterface } from '../common/fleet-planner.rpc.js';
import { FleetPlannerModule } from '../fleet-planner.module.js';

const token = { iTwinId: 'demo', iModelId: 'warehouse' };
const robot: RobotProps = { id: '0x1', name: 'R1', x: 5, y: 5, radius: 0.5 };
const wall: ObstacleProps = { id: '0x100000', kind: 'shelf', minX: 10, minY: 2, maxX: 11, maxY: 20 };

/** A small world in place of Robot World; `changes` are what it answers otherwise. */
const world = (changes: object) => ({
  describeFloor: async () => ({ width: 30, depth: 20 }),
  queryRobots: async () => [robot],
  queryObstacles: async () => [wall],
  queryObstaclesHitByRobot: async () => [],
  ...changes,
});

describe('FleetPlannerRpcImpl', () => {
  let module: TestingModule;
  afterEach(() => module.close());

  async function start(changes: object = {}): Promise<RpcProxy<FleetPlannerRpcInterface>> {
    module = await Test.createTestingModule({ imports: [FleetPlannerModule] })
      .overrideProvider(getRpcClientToken(RobotWorldReadRpcInterface))
      .useValue(world(changes))
      .compile();
    return createTestRpcClient(module, FleetPlannerRpcInterface);
  }

  it('returns a way around obstacles with its length', async () => {
    const planner = await start();
    const { places, length } = await planner.planRoute(token, '0x1', { x: 16, y: 5 });
    expect([places[0], places.at(-1)]).toEqual([
      { x: 5, y: 5 },
      { x: 16, y: 5 },
    ]);
    // South of the wall, whose corners a disc passes at half a metre.
    expect(places.slice(1, -1).every(({ y }) => y < 2 && y >= 0.5)).toBe(true);
    expect(length).toBeGreaterThan(13.3);
    expect(length).toBeLessThan(14.5);
  });

  const notFound = errorNumbers.notFound;
  const invalid = errorNumbers.notPossible;
  it.each<[string, object, { x: number; y: number }, object]>([
    [
      'a goal in an obstacle',
      {},
      { x: 10.2, y: 5 },
      { errorNumber: invalid, message: 'R1 cannot stand at (10.20 m, 5.00 m).' },
    ],
    [
      'a goal beyond the floor',
      {},
      { x: 29.7, y: 5 },
      { errorNumber: invalid, message: 'R1 cannot stand at (29.70 m, 5.00 m).' },
    ],
    [
      'a goal without a way to it',
      { queryObstacles: async () => [{ ...wall, minY: 0 }] },
      { x: 16, y: 5 },
      {
        errorNumber: notFound,
        message: 'There is no route for R1 from (5.00 m, 5.00 m) to (16.00 m, 5.00 m).',
      },
    ],
    [
      'a robot that touches something',
      { queryObstaclesHitByRobot: async () => ['0x100007'] },
      { x: 16, y: 5 },
      { errorNumber: invalid, message: 'R1 touches obstacle 0x100007, and cannot leave its place.' },
    ],
    [
      'a robot that is not on the floor',
      { queryRobots: async () => [] },
      { x: 16, y: 5 },
      { errorNumber: notFound, message: 'Robot 0x1 is not on the floor.' },
    ],
    [
      'a robot that Robot World does not know',
      {
        queryObstaclesHitByRobot: async () => {
          throw new NotFoundError('Robot 0x1 does not exist.');
        },
      },
      { x: 16, y: 5 },
      { errorNumber: notFound, message: 'Robot 0x1 does not exist.' },
    ],
  ])('refuses %s', async (_name, changes, goal, error) => {
    const planner = await start(changes);
    await expect(planner.planRoute(token, '0x1', goal)).rejects.toMatchObject(error);
  });

  it.each<[unknown[], string]>([
    [['1', { x: 1, y: 1 }], 'an id such as 0x2a'],
    [['0x1'], 'expected object'],
    [['0x1', { x: 1, y: '1' }], 'y: '],
    [['0x1', { x: 1e9, y: 1 }], 'x: '],
  ])('refuses the arguments %j', async (args, message) => {
    const planner = await start();
    const planRoute = planner.planRoute as unknown as (...args: unknown[]) => Promise<unknown>;
    await expect(planRoute(token, ...args)).rejects.toThrow(message);
  });
});
