import { execFile } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createRpcClient } from '@linnet/common';
import { LineKeeper } from '../../../test/harness/line.keeper.js';
import { errorNumbers } from '../../robot-world/src/common/robot-world.errors.js';
import { ActivityTraceRpcInterface } from '../../robot-world/src/common/activity-trace.rpc.js';
import { RobotWorldReadRpcInterface } from '../../robot-world/src/common/robot-world.rpc.js';
import { createRobotWorldApp } from '../../robot-world/src/robot-world.app.js';
import { FleetPlannerRpcInterface } from './common/fleet-planner.rpc.js';
import { createFleetPlannerApp } from './fleet-planner.app.js';

async function listen(app: NestExpressApplication): Promise<string> {
  const server = await app.listen(0, '127.0.0.1');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('robot-world and fleet-planner together', () => {
  const token = { iTwinId: 'demo', iModelId: 'warehouse' };
  /** Nest's loggers are one for the process, hence for both backends. */
  const log = new LineKeeper();
  let world: NestExpressApplication;
  let planner: NestExpressApplication;
  let plannerUrl: string;
  let page: ReturnType<typeof createRpcClient>;

  beforeAll(async () => {
    world = await createRobotWorldApp(log);
    process.env['ROBOT_WORLD_URL'] = await listen(world);
    planner = await createFleetPlannerApp(log);
    plannerUrl = await listen(planner);
    page = createRpcClient({ uriPrefix: plannerUrl, applicationId: 'page', sessionId: 's1' });
  });
  afterAll(async () => {
    delete process.env['ROBOT_WORLD_URL'];
    await planner.close();
  });

  it('log one click under one activity id in both backends', async () => {
    const routes = page.client(FleetPlannerRpcInterface).with({ activityId: 'click-1' });
    const { places, length } = await routes.planRoute(token, '0xa', { x: 40, y: 14.4 });
    expect(places.at(-1)).toEqual({ x: 40, y: 14.4 });
    expect(length).toBeGreaterThan(1);
    const lines = log.of('click-1');
    expect(lines).toContainEqual(
      expect.objectContaining({
        message: expect.stringMatching(/^Found a route of .+ m for Robot 10 to/),
        rpcMethod: 'planRoute',
      }),
    );
    expect(lines).toContainEqual(
      expect.objectContaining({
        message: 'Robot 0xa touches 0 obstacles',
        rpcMethod: 'queryObstaclesHitByRobot',
        ApplicationId: 'page',
        SessionId: 's1',
      }),
    );
  });

  it('record the calls of one activity, including calls from one backend to the other', async () => {
    const activityId = 'click-2';
    await page
      .client(FleetPlannerRpcInterface)
      .with({ activityId })
      .planRoute(token, '0xa', { x: 40, y: 14.4 });
    const { calls } = await page.client(ActivityTraceRpcInterface).traceActivity(token, activityId);
    const asked = ['describeFloor', 'queryObstaclesHitByRobot', 'queryRobots', 'queryObstacles'];
    expect(calls.map(({ method }) => method).toSorted()).toEqual(
      ['planRoute', ...asked.map((operation) => `RPC ${operation}`)].toSorted(),
    );
    const whole = calls.find(({ method }) => method === 'planRoute')!;
    for (const { start, end } of calls)
      expect([start >= whole.start, start <= end, end <= whole.end]).toEqual([true, true, true]);
    const world = createRpcClient({ uriPrefix: process.env['ROBOT_WORLD_URL']! });
    const trace = await world.client(ActivityTraceRpcInterface).traceActivity(token, activityId);
    expect(trace.calls.map(({ method }) => method).toSorted()).toEqual(asked.toSorted());
  });

  it('reject an unknown robot with the error of robot-world', async () => {
    const routes = page.client(FleetPlannerRpcInterface);
    await expect(routes.planRoute(token, '0xbad', { x: 40, y: 14.4 })).rejects.toMatchObject({
      errorNumber: errorNumbers.notFound,
      message: 'Robot 0xbad does not exist.',
    });
  });

  it('use the same obstacles', async () => {
    const world = createRpcClient({ uriPrefix: process.env['ROBOT_WORLD_URL']! }).client(
      RobotWorldReadRpcInterface,
    );
    const region = { minX: 30, minY: 12, maxX: 45, maxY: 16 };
    const obstacles = await world.queryObstacles(token, region);
    expect(obstacles.length).toBeGreaterThan(5);
    for (const { id, kind, minX, minY, maxX, maxY } of obstacles) {
      expect([id, kind]).toEqual([
        expect.stringMatching(/^0x1/),
        expect.stringMatching(/shelf|pallet|pillar/),
      ]);
      expect(minX <= 45 && maxX >= 30 && minY <= 16 && maxY >= 12).toBe(true);
    }
  });

  it('answer the iTwin.js client of `npm run plan`, which ends by itself', async () => {
    const script = new URL('../plan.mjs', import.meta.url);
    const env = { ...process.env, FLEET_PLANNER_URL: plannerUrl, NODE_OPTIONS: '' };
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [script.pathname], { env });
    expect(stderr).toBe('');
    const lines = stdout.trim().split('\n');
    expect(lines[0]).toMatch(/^The route of robot 0xa to \(45\.00 m, 62\.90 m\) has \d+\.\d\d m:$/);
    expect(lines.slice(1, -1).every((line) => /^ {2}\(\d+\.\d\d m, \d+\.\d\d m\)$/.test(line))).toBe(true);
    expect(lines.at(-1)).toMatch(/^Error: .+ cannot stand at \(40\.00 m, 17\.00 m\)\.$/);
  });

  it('name the backend that cannot be reached', async () => {
    await world.close();
    const routes = page.client(FleetPlannerRpcInterface).with({ retry: { limit: 0 } });
    await expect(routes.planRoute(token, '0xa', { x: 40, y: 14.4 })).rejects.toMatchObject({
      name: 'TransientError',
      message: 'Robot World cannot be reached.',
    });
  });
});
