import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { LinnetExpressAdapter } from '@linnet/backend/express';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { FleetPlannerModule } from '../../../apps/fleet-planner/src/fleet-planner.module.js';
import { SURVEY_PAUSE } from '../../../apps/robot-world/src/engine/obstacle.survey.js';
import { RobotWorldModule } from '../../../apps/robot-world/src/robot-world.module.js';
import { GeneratedClient } from '../../harness/generated.client.js';

const token = { iTwinId: 'demo', iModelId: 'warehouse' };
const path = { ...token, changesetId: '0' };
const region = { minX: 0, minY: 0, maxX: 10, maxY: 4 };
const errors = (reason: object) => expect.objectContaining({ isError: true, ...reason });

/** The arguments of a call behind the token, and what its answer matches. */
type Call = [args: unknown[], answer: unknown];

/** Calls by the `operationId` of their operation. A new operation without a call fails the test. */
const worldCalls: Record<string, Call> = {
  RobotWorldReadRpcInterface_countRobots: [[], 500],
  RobotWorldReadRpcInterface_countRobotsInArray: [[['0x1', '0x100000']], 1],
  RobotWorldReadRpcInterface_queryRobots: [
    [{ ...region, maxX: 400, maxY: 250 }],
    expect.arrayContaining([expect.objectContaining({ id: '0x1' })]),
  ],
  RobotWorldReadRpcInterface_queryObstacles: [
    [{ ...region, maxX: 20, maxY: 250 }],
    expect.arrayContaining([expect.objectContaining({ id: '0x100000', kind: 'shelf' })]),
  ],
  RobotWorldReadRpcInterface_queryObstaclesHitByRobot: [['0x1'], expect.any(Array)],
  RobotWorldReadRpcInterface_describeFloor: [[], { width: 400, depth: 250 }],
  RobotWorldReadRpcInterface_floorSnapshot: [[region, 0.5], expect.objectContaining({ size: 20 * 8 })],
  RobotWorldReadRpcInterface_surveyObstacles: [['a'], expect.objectContaining({ pallet: expect.anything() })],
  RobotWorldReadRpcInterface_cancelSurvey: [['unknown'], false],
  RobotWorldWriteRpcInterface_addRobot: [
    [{ name: 'R2', x: 2, y: 1, radius: 0.5 }],
    expect.stringMatching(/^0x/),
  ],
  RobotWorldWriteRpcInterface_moveRobot: [
    ['0x1', { x: 3, y: 1 }],
    expect.objectContaining({ id: '0x1', x: 3, y: 1 }),
  ],
  ActivityTraceRpcInterface_traceActivity: [['none'], { calls: [], lines: [] }],
  ActivityTraceRpcInterface_traceSpans: [['a'.repeat(32)], []],
};

const plannerCalls: Record<string, Call> = {
  FleetPlannerRpcInterface_planRoute: [
    ['0xa', { x: 40, y: 14.4 }],
    expect.objectContaining({ length: expect.any(Number) }),
  ],
  ActivityTraceRpcInterface_traceActivity: worldCalls['ActivityTraceRpcInterface_traceActivity']!,
  ActivityTraceRpcInterface_traceSpans: worldCalls['ActivityTraceRpcInterface_traceSpans']!,
};

const plannerRefusals: Record<string, Call> = {
  FleetPlannerRpcInterface_planRoute: [
    ['0xbad', { x: 40, y: 14.4 }],
    errors({ message: 'Robot 0xbad does not exist.' }),
  ],
};

const worldRefusals: Record<string, Call> = {
  RobotWorldWriteRpcInterface_addRobot: [
    [{ name: 'R3', x: -1, y: 1, radius: 0.5 }],
    errors({ name: 'NoPlace', data: { hit: [] } }),
  ],
  RobotWorldWriteRpcInterface_moveRobot: [['0x7fff', { x: 3, y: 1 }], errors({ name: 'RobotNotFound' })],
  RobotWorldReadRpcInterface_queryObstaclesHitByRobot: [
    ['0x7fff'],
    errors({ message: 'Robot 0x7fff does not exist.' }),
  ],
};

/** Starts a backend of the example. @returns its address */
async function start(module: typeof RobotWorldModule | typeof FleetPlannerModule): Promise<string> {
  const builder = Test.createTestingModule({ imports: [module] });
  const compiled = await builder.overrideProvider(SURVEY_PAUSE).useValue(1).compile();
  const app = compiled.createNestApplication(new LinnetExpressAdapter(), { logger: false });
  apps.push(app);
  const server = (await app.listen(0, '127.0.0.1')) as { address(): AddressInfo };
  return `http://127.0.0.1:${server.address().port}`;
}

const apps: INestApplication[] = [];
beforeAll(async () => {
  process.env['ROBOT_WORLD_FEATURES'] = 'robots.write';
  process.env['ROBOT_WORLD_URL'] = await start(RobotWorldModule);
  process.env['FLEET_PLANNER_URL'] = await start(FleetPlannerModule);
});
afterAll(async () => {
  await Promise.all(apps.map((app) => app.close()));
  for (const name of ['ROBOT_WORLD_FEATURES', 'ROBOT_WORLD_URL', 'FLEET_PLANNER_URL'])
    delete process.env[name];
});

describe.each([
  ['robot-world', 'ROBOT_WORLD_URL', worldCalls, worldRefusals],
  ['fleet-planner', 'FLEET_PLANNER_URL', plannerCalls, plannerRefusals],
])('a client that is generated from the document of %s', (_name, address, calls, refused) => {
  let client: GeneratedClient;
  let operationIds: string[];
  /** Checks a body by its place in the document, which JSON bodies alone have. */
  let check: (operationId: string, status: '200' | 'default', body: unknown) => void;

  beforeAll(async () => {
    const url = process.env[address]!;
    const document = (await (await fetch(`${url}/docs/openapi.json`)).json()) as Record<string, any>;
    const operations = Object.values<any>(document['paths']).map(({ post }) => post);
    operationIds = operations.map(({ operationId }) => operationId as string);
    const ajv = new Ajv2020({ strict: false }).addSchema({ $id: 'document', ...document });
    check = (operationId, status, body) => {
      const index = operationIds.indexOf(operationId);
      const place = Object.keys(document['paths'] as object)[index]!.replaceAll('/', '~1');
      const { content } = operations[index].responses[status];
      if (!content['application/json']) return;
      const schema = `document#/paths/${encodeURIComponent(place)}/post/responses/${status}/content/application~1json/schema`;
      const fits = ajv.compile({ $ref: schema });
      expect([fits(body), fits.errors]).toEqual([true, null]);
    };
    client = await GeneratedClient.of(document, url);
  });
  afterAll(() => client?.remove());

  /** Calls an operation until it is not pending. */
  async function call(operationId: string, args: unknown[]) {
    for (;;) {
      const answer = await client.call(GeneratedClient.nameOf(operationId), [token, ...args], { path });
      if (answer.response.status !== 202) return answer;
    }
  }

  it('has a function for every operation, and each is called here', () => {
    expect(client.names).toEqual(operationIds.map(GeneratedClient.nameOf).toSorted());
    expect(operationIds.toSorted()).toEqual(Object.keys(calls).toSorted());
  });

  it.each(Object.entries<Call>(calls))('calls %s', async (operationId, [args, answer]) => {
    const { data, error } = await call(operationId, args);
    expect(error).toBeUndefined();
    expect(data).toEqual(answer);
    check(operationId, '200', data);
  });

  it('reads the errors of the document', async () => {
    for (const [operationId, [args, answer]] of Object.entries<Call>(refused)) {
      const { error } = await call(operationId, args);
      expect(error).toEqual(answer);
      check(operationId, 'default', error);
    }
  });
});
