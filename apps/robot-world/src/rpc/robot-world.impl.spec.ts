import { Test } from '@nestjs/testing';
import type { INestApplication } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import request from 'supertest';
import type { App } from 'supertest/types.js';
import { LinnetExpressAdapter } from '@linnet/backend/express';
import { SURVEY_PAUSE } from '../engine/obstacle.survey.js';
import { RobotWorldModule } from '../robot-world.module.js';

const token = { iTwinId: 'demo', iModelId: 'warehouse' };

async function start(features: string): Promise<INestApplication<App>> {
  process.env['ROBOT_WORLD_FEATURES'] = features;
  const builder = Test.createTestingModule({ imports: [RobotWorldModule] });
  const module = await builder.overrideProvider(SURVEY_PAUSE).useValue(1).compile();
  const app = module.createNestApplication<INestApplication<App>>(new LinnetExpressAdapter(), {
    logger: false,
  });
  return app.init();
}

const call = (app: INestApplication<App>, operation: string, ...args: unknown[]) =>
  request(app.getHttpServer())
    .post(`/RobotWorld${operation}`)
    .set({ 'X-Correlation-ID': 'test', 'X-Protocol-Version': '2', 'Content-Type': 'text/plain' })
    .send(JSON.stringify([token, ...args]));

/** The body as JSON, whatever its content type. */
const value = ({ text }: { text: string }): unknown => JSON.parse(text);

afterEach(() => {
  delete process.env['ROBOT_WORLD_FEATURES'];
});

describe('RobotWorldReadRpcImpl', () => {
  let app: INestApplication<App>;
  beforeAll(async () => {
    app = await start('');
  });
  afterAll(() => app.close());
  const ask = (operation: string, ...args: unknown[]) =>
    call(app, `ReadRpcInterface-1.0.0-${operation}`, ...args);

  it('answers queries with values', async () => {
    expect(value(await ask('countRobots').expect(200))).toBe(500);
    expect(value(await ask('countRobotsInArray', ['0x1', '0x100000']).expect(200))).toBe(1);
    const region = { minX: 0, minY: 0, maxX: 400, maxY: 250 };
    expect(value(await ask('queryRobots', region).expect(200))).toHaveLength(500);
    expect(value(await ask('queryObstaclesHitByRobot', '0x1').expect(200))).toEqual(expect.any(Array));
    expect(value(await ask('queryObstacles', { ...region, maxX: 20 }).expect(200))).toContainEqual({
      id: '0x100000',
      kind: 'shelf',
      minX: expect.any(Number),
      minY: 5,
      maxX: expect.any(Number),
      maxY: 6.2,
    });
  });

  it('answers the size of the floor by GET with cache headers', async () => {
    const parameters = encodeURIComponent(btoa(JSON.stringify([token])));
    const path = `/imodel/warehouse/RobotWorldReadRpcInterface-1.0.0-describeFloor?parameters=${parameters}`;
    const response = await request(app.getHttpServer()).get(path).set('X-Correlation-ID', 'test').expect(200);
    expect(value(response)).toEqual({ width: 400, depth: 250 });
    expect(response.headers['cache-control']).toContain('immutable');
  });

  it('answers a snapshot as bytes', async () => {
    const { body, type } = await ask('floorSnapshot', { minX: 0, minY: 0, maxX: 10, maxY: 4 }, 0.5).expect(
      200,
    );
    expect(type).toBe('application/octet-stream');
    expect(body).toHaveLength(20 * 8);
  });

  it('answers that a survey is pending, and then its report', async () => {
    let response = await ask('surveyObstacles', 'a');
    expect(response.status).toBe(202);
    expect(value(response)).toMatchObject({
      managedStatus: 'pending',
      responseValue: expect.stringMatching(/^\d+ of \d+ obstacles$/),
    });
    while (response.status === 202) response = await ask('surveyObstacles', 'a');
    expect(value(response)).toMatchObject({ pallet: { count: 600 } });
    expect(value(await ask('cancelSurvey', 'a').expect(200))).toBe(false);
  });

  it('stops a survey that is cancelled', async () => {
    await ask('surveyObstacles', 'cancelled').expect(202);
    expect(value(await ask('cancelSurvey', 'cancelled').expect(200))).toBe(true);
    const response = await ask('surveyObstacles', 'cancelled');
    expect(value(response)).toMatchObject({ message: 'The survey cancelled was cancelled.' });
    expect(value(await ask('cancelSurvey', 'unknown').expect(200))).toBe(false);
  });

  it.each([
    ['queryObstaclesHitByRobot', ["0x1' OR 1"], 'an id such as 0x2a'],
    ['queryObstaclesHitByRobot', [], 'expected string'],
    ['countRobotsInArray', [['0x1', 7]], '1: '],
    ['countRobotsInArray', [Array.from({ length: 10_001 }, () => '0x1')], '10000'],
    ['queryRobots', [{ minX: 5, minY: 0, maxX: 5, maxY: 1 }], 'empty'],
    ['queryRobots', [{ minX: 0, minY: 0, maxX: 1e300, maxY: 1 }], 'maxX'],
    ['queryObstacles', [], 'expected object'],
    ['floorSnapshot', [{ minX: 0, minY: 0, maxX: 1, maxY: 1 }, 0], '0.01'],
    ['surveyObstacles', ['a b'], '1 to 64'],
    ['queryObstaclesHitByRobot', ['0x7fff'], 'Robot 0x7fff does not exist.'],
  ])('refuses arguments of %s with a message for iTwin.js clients: %j', async (operation, args, message) => {
    const response = await ask(operation, ...args);
    // For other statuses this client does not read the body.
    expect([404, 500]).toContain(response.status);
    expect(value(response)).toMatchObject({ message: expect.stringContaining(message) });
  });

  it('has no write interface beside it if the feature is off', async () => {
    const response = await call(app, 'WriteRpcInterface-1.0.0-moveRobot', '0x1', { x: 2, y: 1 });
    expect(response.status).toBe(404);
  });
});

describe('RobotWorldWriteRpcImpl', () => {
  let app: INestApplication<App>;
  beforeAll(async () => {
    app = await start('robot.charging, robots.write');
  });
  afterAll(() => app.close());
  const tell = (operation: string, ...args: unknown[]) =>
    call(app, `WriteRpcInterface-1.0.0-${operation}`, ...args);

  it('adds and moves robots', async () => {
    const id = value(await tell('addRobot', { name: ' R2 ', x: 2, y: 1, radius: 0.5 }).expect(200));
    const moved = await tell('moveRobot', id, { x: 3, y: 1 }).expect(200);
    expect(value(moved)).toEqual({ id, name: 'R2', x: 3, y: 1, radius: 0.5 });
  });

  it.each([
    ['moveRobot', ['0x1', { x: -1, y: 1 }], 'would leave the floor'],
    ['moveRobot', ['0x1', { x: '1', y: 1 }], 'x: '],
    ['addRobot', [{ name: '', x: 2, y: 1, radius: 0.5 }], 'name: '],
    ['addRobot', [{ name: 'Giant', x: 2, y: 1, radius: 50 }], 'radius: '],
  ])('refuses arguments of %s: %j', async (operation, args, message) => {
    const response = await tell(operation, ...args).expect(500);
    expect(value(response)).toMatchObject({ message: expect.stringContaining(message) });
  });
});
