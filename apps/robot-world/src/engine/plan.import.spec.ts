import { Logger } from '@nestjs/common';
import { afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { PlanProgress } from '../common/robot-world.props.js';
import { PlanImport } from './plan.import.js';
import { RobotWorldEngine } from './robot-world.engine.js';
import { WarehouseDatabase } from './warehouse.database.js';

beforeAll(() => Logger.overrideLogger(false));

describe('PlanImport', () => {
  let database: WarehouseDatabase;
  let engine: RobotWorldEngine;
  let plans: PlanImport;
  let before: number;
  const northern = { minX: 0, minY: 245, maxX: 400, maxY: 250 };
  const { signal } = new AbortController();
  const ignore = () => undefined;

  beforeEach(() => {
    database = new WarehouseDatabase(':memory:');
    engine = new RobotWorldEngine(database);
    plans = new PlanImport(engine);
    before = engine.countObstacles();
  });
  afterEach(() => database.onApplicationShutdown());

  async function* bytes(...texts: string[]): AsyncGenerator<Uint8Array> {
    for (const text of texts) yield new TextEncoder().encode(text);
  }
  const line = 'shelf 1 246 2 247\n';

  it('adds the obstacles of a plan, and reports how far it is', async () => {
    const reports: PlanProgress[] = [];
    const report = (progress: PlanProgress) => reports.push(progress);
    const result = await plans.run(bytes(line.repeat(700), line), report, signal);
    expect(result).toEqual({ bytes: 701 * line.length, obstacles: 701 });
    expect(reports.map(({ obstacles }) => obstacles)).toEqual([500, 700, 701, 701]);
    expect(reports.at(-1)).toEqual(result);
    expect(engine.countObstacles()).toBe(before + 701);
    const found = engine.queryObstacles(northern);
    expect(found).toHaveLength(701);
    expect(found[0]).toMatchObject({ kind: 'shelf', minX: 1, minY: 246, maxX: 2, maxY: 247 });
  });

  it('adds nothing of a plan with an error', async () => {
    await expect(plans.run(bytes(line.repeat(1200), 'sofa'), ignore, signal)).rejects.toThrow('Line 1201');
    expect(engine.countObstacles()).toBe(before);
    expect(engine.queryObstacles(northern)).toEqual([]);
    // The spatial index has forgotten them, too.
    expect(engine.floorSnapshot(northern, 1)).not.toContain(1);
  });

  it('adds nothing of a plan that is cancelled, and reads no more of it', async () => {
    const controller = new AbortController();
    let ended = false;
    async function* endless() {
      try {
        for (;;) yield* bytes(line);
      } finally {
        ended = true;
      }
    }
    const report = ({ obstacles }: PlanProgress) => {
      if (obstacles === 3) controller.abort(new Error('enough'));
    };
    await expect(plans.run(endless(), report, controller.signal)).rejects.toThrow('enough');
    expect(ended).toBe(true);
    expect(engine.countObstacles()).toBe(before);
  });

  it('refuses a plan that fills the floor', async () => {
    const count = jest
      .spyOn(engine, 'countObstacles')
      .mockReturnValueOnce(199_999)
      .mockReturnValueOnce(200_000);
    const run = plans.run(bytes(line, line), ignore, signal);
    await expect(run).rejects.toThrow('at most 200000 obstacles');
    count.mockRestore();
    expect(engine.countObstacles()).toBe(before);
  });

  it('imports one plan at a time', async () => {
    const first = plans.run(bytes(line), ignore, signal);
    await expect(plans.run(bytes(line), ignore, signal)).rejects.toThrow('Another floor plan');
    await first;
    expect(await plans.run(bytes(line), ignore, signal)).toMatchObject({ obstacles: 1 });
  });
});
