import { execFile } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LineKeeper } from '../../../test/harness/line.keeper.js';
import { until } from '../../../test/harness/waiting.js';
import { RobotTraffic } from './engine/robot.traffic.js';
import { createRobotWorldApp } from './robot-world.app.js';

describe('the application robot-world', () => {
  const logger = new LineKeeper();
  let app: NestExpressApplication;
  let url: string;

  beforeAll(async () => {
    app = await createRobotWorldApp(logger);
    // The robots of a test are five times as fast.
    Object.assign(app.get(RobotTraffic, { strict: false }), { tick: 10 });
    const server = await app.listen(0, '127.0.0.1');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => app.close());

  it('answers the iTwin.js client of `npm run try`, which ends by itself', async () => {
    const script = createRequire(import.meta.url).resolve('robot-world/try.mjs');
    const env = { ...process.env, ROBOT_WORLD_URL: url, NODE_OPTIONS: '' };
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [script], { env });
    expect(stderr).toBe('');
    const lines = stdout.trim().split('\n');
    const progress = lines.filter((line) => /^ {2}surveying: \d+ of \d+ obstacles$/.test(line));
    expect(progress.length).toBeGreaterThan(0);
    expect(lines.filter((line) => !progress.includes(line))).toEqual([
      '500 robots are in the warehouse.',
      expect.stringMatching(/^Robot 0xc touches: 0x\w+$/),
      expect.stringMatching(/^A snapshot of 80000 bytes: \d+ %/),
      expect.stringMatching(/^Surveyed \d+ shelves, 600 pallets and \d+ pillars\.$/),
      'Error: Robot 0xbad does not exist.',
    ]);
  });

  it('drives a robot for the iTwin.js client of `npm run drive`, which ends by itself', async () => {
    const script = createRequire(import.meta.url).resolve('robot-world/drive.mjs');
    const env = { ...process.env, ROBOT_WORLD_URL: url, NODE_OPTIONS: '' };
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [script], { env });
    expect(stderr).toBe('');
    const lines = stdout.trim().split('\n');
    const way = lines.filter((line) => /^ {2}robot 0xa is at \(\d+\.\d\d m, \d+\.\d\d m\)$/.test(line));
    expect(way.length).toBeGreaterThan(5);
    expect(lines.filter((line) => !way.includes(line))).toEqual([
      'Robots in the aisle: 1',
      'Robot 0xa drives to (40.00 m, 14.40 m)',
      'It has arrived.',
      'Robot 0xa drives to (40.00 m, 20.00 m)',
      expect.stringMatching(/^It has stopped at \(40\.00 m, 15\.\d\d m\) in front of 0x\w+\.$/),
      'Robot 0xa drives to (36.90 m, 14.40 m)',
      'It has arrived.',
    ]);
  });

  it('is named by the client of `npm run drive` if it does not run', async () => {
    const script = createRequire(import.meta.url).resolve('robot-world/drive.mjs');
    const env = { ...process.env, ROBOT_WORLD_URL: 'http://127.0.0.1:1', NODE_OPTIONS: '' };
    await expect(promisify(execFile)(process.execPath, [script], { env })).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Is the server running at http://127.0.0.1:1?'),
    });
  });

  it('logs with the activity of the call in the engine and in timers', async () => {
    const ask = (operation: string, id: string) =>
      fetch(`${url}/RobotWorldReadRpcInterface-1.0.0-${operation}`, {
        method: 'POST',
        headers: { 'X-Correlation-ID': `activity-of-${operation}`, 'Content-Type': 'text/plain' },
        body: JSON.stringify([{}, id]),
      });
    await ask('queryObstaclesHitByRobot', '0x2');
    await until(async () => (await ask('surveyObstacles', 'logged')).status !== 202);
    expect(logger.lines).toContainEqual(
      expect.objectContaining({
        message: expect.stringMatching(/^Robot 0x2 touches/),
        ActivityId: 'activity-of-queryObstaclesHitByRobot',
      }),
    );
    expect(logger.lines).toContainEqual(
      expect.objectContaining({
        message: 'Survey logged is done',
        ActivityId: 'activity-of-surveyObstacles',
      }),
    );
  });

  it('serves its page and the files of the page', async () => {
    const page = await (await fetch(`${url}/`)).text();
    const references = [...page.matchAll(/(?:src|href)="(?!data:)([^"]+)"/g)].map(([, path]) => path!);
    const names = references.map((path) => path.replace(/-[^.]+/, ''));
    // The page may preload further chunks.
    expect(names).toEqual(expect.arrayContaining(['./assets/index.css', './assets/index.js']));
    for (const path of references) expect((await fetch(`${url}/${path}`)).status).toBe(200);
  });

  it('serves its page the address of the other backend', async () => {
    const backends = async () => (await fetch(`${url}/backends.json`)).json();
    expect(await backends()).toEqual({ fleetPlanner: 'http://127.0.0.1:3002', tracing: 'off' });
    process.env['FLEET_PLANNER_URL'] = 'https://planner.example';
    expect(await backends()).toMatchObject({ fleetPlanner: 'https://planner.example' });
    delete process.env['FLEET_PLANNER_URL'];
  });
});
