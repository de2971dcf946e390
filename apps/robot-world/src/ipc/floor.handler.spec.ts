import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Test } from '@nestjs/testing';
import type { INestApplication } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { memoryIpc } from '@linnet/backend';
import { LinnetExpressAdapter } from '@linnet/backend/express';
import { IpcFrontend } from '@linnet/common';
import type { IpcInvokeOptions } from '@linnet/common';
import { until } from '../../../../test/harness/waiting.js';
import { floorChannel } from '../common/floor.ipc.js';
import type { FloorIpc } from '../common/floor.ipc.js';
import { errorNumbers } from '../common/robot-world.errors.js';
import { robotChannel } from '../common/robot.ipc.js';
import type { RobotIpc } from '../common/robot.ipc.js';
import type { SurveyProgress } from '../common/robot-world.props.js';
import { SEARCH_PAUSE } from '../engine/obstacle.search.js';
import { ObstacleSurveys, SURVEY_PAUSE } from '../engine/obstacle.survey.js';
import { RobotWorldEngine } from '../engine/robot-world.engine.js';
import { WAREHOUSE_FILE } from '../engine/warehouse.database.js';
import { RobotWorldModule } from '../robot-world.module.js';

async function start(file = ':memory:'): Promise<INestApplication> {
  const builder = Test.createTestingModule({ imports: [RobotWorldModule] });
  for (const token of [SEARCH_PAUSE, SURVEY_PAUSE]) builder.overrideProvider(token).useValue(1);
  const module = await builder.overrideProvider(WAREHOUSE_FILE).useValue(file).compile();
  return module.createNestApplication(new LinnetExpressAdapter(), { logger: false }).init();
}

const line = 'shelf 1 246 2 247\n';
const plan = (text: string) => new Blob([text]);

describe('FloorIpcHandler', () => {
  let app: INestApplication;
  let frontend: IpcFrontend;
  let engine: RobotWorldEngine;
  beforeAll(async () => {
    app = await start();
    engine = app.get(RobotWorldEngine);
    frontend = new IpcFrontend(memoryIpc(app));
  });
  afterAll(async () => {
    frontend.close();
    await app.close();
  });
  const floor = (options?: IpcInvokeOptions) => frontend.makeIpcProxy<FloorIpc>(floorChannel, options);
  const robots = () => frontend.makeIpcProxy<RobotIpc>(robotChannel);

  it('sends the obstacles of the floor as they are found', async () => {
    const ids = new Set<string>();
    let steps = 0;
    for await (const { obstacles } of floor().findObstacles()) {
      steps++;
      for (const { id } of obstacles) ids.add(id);
    }
    expect(steps).toBe(50);
    expect(ids.size).toBe(engine.countObstacles());
  });

  it('sends the positions of a robot until the reader leaves', async () => {
    const robot = engine.addRobot({ name: 'R2', x: 2, y: 1, radius: 0.5 });
    const places: number[] = [];
    for await (const { x } of robots().follow(robot)) {
      places.push(x);
      if (x === 5) break;
      engine.moveRobot(robot, { x: x + 1, y: 1 });
    }
    expect(places).toEqual([2, 3, 4, 5]);
  });

  it('rejects to follow an element that is not a robot', async () => {
    const [unknown, wrong] = ['0x7fff', '1'].map((id) => robots().follow(id)[Symbol.asyncIterator]().next());
    await expect(unknown).rejects.toMatchObject({ errorNumber: errorNumbers.notFound });
    await expect(wrong).rejects.toThrow('an id such as 0x2a');
  });

  it('imports a floor plan, and notifies every frontend', async () => {
    const other = new IpcFrontend(memoryIpc(app));
    await other.ready;
    const heard: string[] = [];
    other.addListener(floorChannel, (_event, name: string) => heard.push(name));
    const reports: unknown[] = [];
    const onProgress = (progress: unknown) => reports.push(progress);
    const before = engine.countObstacles();
    const imported = { bytes: 600 * line.length, obstacles: 600 };
    expect(await floor({ onProgress }).importPlan(plan(line.repeat(600)))).toEqual(imported);
    expect(engine.countObstacles()).toBe(before + 600);
    expect(reports.at(-1)).toEqual(imported);
    await until(() => heard.length > 0);
    expect(heard).toEqual(['rebuilt']);
    other.close();
  });

  it('names the wrong line of a floor plan', async () => {
    const before = engine.countObstacles();
    await expect(floor().importPlan(plan(`${line}sofa`))).rejects.toMatchObject({
      errorNumber: errorNumbers.invalidPlan,
      message: expect.stringContaining('Line 2 of the floor plan is wrong'),
    });
    expect(engine.countObstacles()).toBe(before);
  });

  it('stops reading a floor plan whose caller aborts, and undoes the import', async () => {
    const before = engine.countObstacles();
    const caller = new AbortController();
    let ended = false;
    async function* endless() {
      try {
        for (;;) yield new TextEncoder().encode(line);
      } finally {
        ended = true;
      }
    }
    const onProgress = () => caller.abort(new Error('enough'));
    const call = floor({ signal: caller.signal, onProgress }).importPlan(endless());
    await expect(call).rejects.toThrow('enough');
    await until(() => ended && engine.countObstacles() === before);
    // The import ends a moment after its last obstacle is gone.
    const next = await until(() =>
      floor()
        .importPlan(plan('# nothing'))
        .catch(() => undefined),
    );
    expect(next).toMatchObject({ obstacles: 0 });
  });

  it('reports the progress of a survey', async () => {
    const reports: SurveyProgress[] = [];
    const onProgress = (progress: unknown) => reports.push(progress as SurveyProgress);
    expect(await floor({ onProgress }).surveyObstacles()).toMatchObject({ pallet: { count: 600 } });
    expect(reports[0]).toEqual({ surveyed: 0, total: engine.countObstacles() });
    expect(reports.length).toBeGreaterThan(5);
  });

  it('cancels a survey whose caller aborts', async () => {
    const surveys = app.get(ObstacleSurveys);
    const cancelled: boolean[] = [];
    const { cancel } = surveys;
    surveys.cancel = (id) => {
      cancelled.push(cancel.call(surveys, id));
      return cancelled.at(-1)!;
    };
    const caller = new AbortController();
    const onProgress = () => caller.abort(new Error('enough'));
    const call = floor({ signal: caller.signal, onProgress }).surveyObstacles();
    await expect(call).rejects.toThrow('enough');
    await until(() => cancelled.length > 0);
    expect(cancelled).toEqual([true]);
  });
});

describe('FloorIpcHandler, with a warehouse in a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'robot-world-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  afterEach(() => {
    delete process.env['ROBOT_WORLD_FEATURES'];
  });

  it('imports a floor plan only with the feature', async () => {
    for (const features of ['', 'robots.write']) {
      process.env['ROBOT_WORLD_FEATURES'] = features;
      const app = await start(join(folder, 'warehouse.db'));
      const frontend = new IpcFrontend(memoryIpc(app));
      const call = frontend.makeIpcProxy<FloorIpc>(floorChannel).importPlan(plan(line));
      if (features) expect(await call).toMatchObject({ obstacles: 1 });
      else await expect(call).rejects.toThrow('robots.write');
      frontend.close();
      await app.close();
    }
  });
});
