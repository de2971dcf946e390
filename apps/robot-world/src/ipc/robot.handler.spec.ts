import { getEventListeners } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Test } from '@nestjs/testing';
import type { INestApplication } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { LinnetExpressAdapter } from '@linnet/backend/express';
import { IpcHost } from '@linnet/backend';
import type { IpcSession } from '@linnet/backend';
import { errorNumbers } from '../common/robot-world.errors.js';
import { until } from '../../../../test/harness/waiting.js';
import { RawFrontend } from '../../../../test/ipc/wire/raw.frontend.js';
import type { Id64String, Position } from '../common/robot-world.props.js';
import { RobotSightings } from '../engine/robot.sightings.js';
import { DRIVE_TICK, RobotTraffic } from '../engine/robot.traffic.js';
import { RobotWorldEngine } from '../engine/robot-world.engine.js';
import { WAREHOUSE_FILE } from '../engine/warehouse.database.js';
import { RobotWorldModule } from '../robot-world.module.js';
import { RobotIpcHandler } from './robot.handler.js';

const channel = 'itwin.robot-v1.2';

async function start(file = ':memory:'): Promise<{ app: INestApplication; port: number }> {
  const builder = Test.createTestingModule({ imports: [RobotWorldModule] });
  builder.overrideProvider(DRIVE_TICK).useValue(1).overrideProvider(WAREHOUSE_FILE).useValue(file);
  const module = await builder.compile();
  const app = module.createNestApplication(new LinnetExpressAdapter(), { logger: false });
  const server = await app.listen(0, '127.0.0.1');
  return { app, port: (server.address() as AddressInfo).port };
}

describe('RobotIpcHandler', () => {
  let app: INestApplication;
  let port: number;
  let engine: RobotWorldEngine;
  /** Two robots in the southern margin, which the generator leaves free, and each its region. */
  let west: Id64String;
  let east: Id64String;
  const western = { minX: 0, minY: 0, maxX: 100, maxY: 4 };
  const eastern = { minX: 300, minY: 0, maxX: 400, maxY: 4 };
  const frontends: RawFrontend[] = [];
  let subscriptions = 0;

  beforeAll(async () => {
    ({ app, port } = await start());
    engine = app.get(RobotWorldEngine);
    west = engine.addRobot({ name: 'West', x: 2, y: 2, radius: 0.5 });
    east = engine.addRobot({ name: 'East', x: 302, y: 2, radius: 0.5 });
    const { onMoved } = engine;
    jest.spyOn(engine, 'onMoved').mockImplementation((listener) => {
      const end = onMoved.call(engine, listener);
      subscriptions++;
      return () => {
        subscriptions--;
        end();
      };
    });
  });
  afterAll(() => app.close());
  afterEach(async () => {
    await Promise.all(frontends.splice(0).map((frontend) => frontend.close()));
    await until(() => subscriptions === 0);
    engine.moveRobot(west, { x: 2, y: 2 });
    engine.moveRobot(east, { x: 302, y: 2 });
  });

  async function connect(): Promise<RawFrontend> {
    const frontend = await RawFrontend.open(port);
    frontends.push(frontend);
    return frontend;
  }
  /** The notifications received, in order, as `[robotId, position]`. */
  const heard = (frontend: RawFrontend): unknown[][] =>
    frontend.received
      .map((frame) => JSON.parse((frame as { text: string }).text) as [string, number])
      .map(([message]) => JSON.parse(message) as { type: number; data: unknown[] })
      .filter(({ type, data }) => type === 1 && data[0] === 'moved')
      .map(({ data }) => data.slice(1));

  it('notifies each frontend of robots in its region only', async () => {
    const [a, b] = await Promise.all([connect(), connect()]);
    expect(await a.invoke(channel, 'subscribe', western)).toEqual({ result: 1 });
    expect(await b.invoke(channel, 'subscribe', eastern)).toEqual({ result: 1 });
    await Promise.all([
      a.invoke(channel, 'drive', west, { x: 3, y: 2 }),
      // The region decides, not the frontend that drives the robot.
      a.invoke(channel, 'drive', east, { x: 303, y: 2 }),
    ]);
    // Notifications that were pushed before this answer arrive before it.
    await b.invoke(channel, 'stop', east);
    expect(heard(a).length).toBeGreaterThan(10);
    expect(heard(a).filter(([id]) => id !== west)).toEqual([]);
    expect(heard(a).at(-1)).toEqual([west, { x: 3, y: 2 }]);
    expect(heard(b).filter(([id]) => id !== east)).toEqual([]);
    expect(heard(b).at(-1)).toEqual([east, { x: 303, y: 2 }]);
  });

  it('notifies a frontend of robots that leave or enter its region', async () => {
    const frontend = await connect();
    await frontend.invoke(channel, 'subscribe', western);
    engine.moveRobot(west, { x: 150, y: 2 });
    engine.moveRobot(west, { x: 160, y: 2 });
    engine.moveRobot(west, { x: 5, y: 2 });
    await frontend.invoke(channel, 'stop', west);
    expect(heard(frontend)).toEqual([
      [west, { x: 150, y: 2 }],
      [west, { x: 5, y: 2 }],
    ]);
  });

  it.each([[[]], [[null]]])('subscribes to the whole floor if the arguments are %j', async (args) => {
    const frontend = await connect();
    expect(await frontend.invoke(channel, 'subscribe', ...args)).toEqual({ result: 502 });
    engine.moveRobot(east, { x: 303, y: 2 });
    engine.moveRobot(west, { x: 3, y: 2 });
    await frontend.invoke(channel, 'unsubscribe');
    expect(heard(frontend).map(([id]) => id)).toEqual([east, west]);
  });

  it('replaces the first subscription by the second, and ends it on demand', async () => {
    const frontend = await connect();
    await frontend.invoke(channel, 'subscribe', western);
    await frontend.invoke(channel, 'subscribe', eastern);
    expect(subscriptions).toBe(1);
    engine.moveRobot(west, { x: 3, y: 2 });
    expect(await frontend.invoke(channel, 'unsubscribe')).toEqual({});
    expect(subscriptions).toBe(0);
    engine.moveRobot(east, { x: 303, y: 2 });
    await frontend.invoke(channel, 'unsubscribe');
    expect(heard(frontend)).toEqual([]);
  });

  it('ends the subscription and the drives of its session with the session', async () => {
    const [leaving, staying] = await Promise.all([connect(), connect()]);
    for (const frontend of [leaving, staying]) await frontend.invoke(channel, 'subscribe', western);
    expect(subscriptions).toBe(2);
    leaving.invoke(channel, 'drive', west, { x: 300, y: 2 }).catch(() => {});
    await staying.nextMessage();
    leaving.terminate();
    await until(() => subscriptions === 1);
    const before = engine.robot(west);
    // All drives advance together: a drive of another robot takes many ticks.
    await staying.invoke(channel, 'drive', east, { x: 304, y: 2 });
    expect(engine.robot(west)).toEqual(before);
    expect(before.x).toBeLessThan(300);
  });

  it('answers how a drive has ended', async () => {
    const frontend = await connect();
    expect(await frontend.invoke(channel, 'drive', west, { x: 2.2, y: 2 })).toEqual({
      result: { arrived: true, position: { x: 2.2, y: 2 } },
    });
    // The first shelves begin at (9, 5) or so.
    engine.moveRobot(west, { x: 12, y: 3.5 });
    expect(await frontend.invoke(channel, 'drive', west, { x: 12, y: 8 })).toEqual({
      result: {
        arrived: false,
        position: { x: 12, y: expect.any(Number) },
        hit: expect.arrayContaining([expect.stringMatching(/^0x1\w{5}$/)]),
      },
    });
    engine.moveRobot(west, { x: 2, y: 2 });
    const drive = frontend.invoke(channel, 'drive', west, { x: 90, y: 2 });
    await (await connect()).invoke(channel, 'stop', west);
    expect(await drive).toEqual({ result: { arrived: false, position: expect.anything() } });
  });

  it.each([
    ['subscribe', [{ minX: 5, minY: 0, maxX: 5, maxY: 1 }], 'the region is empty'],
    ['drive', ['1', { x: 1, y: 1 }], 'an id such as 0x2a'],
    ['drive', ['0x1', { x: 1 }], 'y: '],
    ['drive', ['0x1', { x: 1e300, y: 1 }], 'x: '],
    ['stop', [], 'expected string'],
  ])('refuses arguments of %s: %j', async (method, args, message) => {
    const frontend = await connect();
    expect(await frontend.invoke(channel, method, ...args)).toEqual({
      error: expect.objectContaining({ message: expect.stringContaining(message) }),
    });
  });

  it('rejects an unknown robot', async () => {
    const frontend = await connect();
    expect(await frontend.invoke(channel, 'drive', '0x7fff', { x: 1, y: 1 })).toEqual({
      error: expect.objectContaining({ errorNumber: errorNumbers.notFound }),
    });
  });
});

describe('RobotIpcHandler with a warehouse in a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'robot-world-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  afterEach(() => {
    delete process.env['ROBOT_WORLD_FEATURES'];
  });

  it.each([
    [
      'no feature',
      '',
      { error: expect.objectContaining({ message: expect.stringMatching(/robots\.write/) }) },
    ],
    ['the feature', 'robots.write', { result: expect.objectContaining({ arrived: false }) }],
  ])('drives a robot only if the feature is on: %s', async (_name, features, answer) => {
    process.env['ROBOT_WORLD_FEATURES'] = features;
    const { app, port } = await start(join(folder, 'warehouse.db'));
    try {
      const frontend = await RawFrontend.open(port);
      expect(await frontend.invoke(channel, 'subscribe')).toEqual({ result: 500 });
      // Into the next shelf.
      const { x, y } = app.get(RobotWorldEngine).robot('0xa');
      expect(await frontend.invoke(channel, 'drive', '0xa', { x, y: y + 5 })).toEqual(answer);
      await frontend.close();
    } finally {
      await app.close();
    }
  });
});

describe('RobotIpcHandler of an application that closes', () => {
  it('stops the robots of its frontend before they arrive', async () => {
    const { app, port } = await start();
    const engine = app.get(RobotWorldEngine);
    const frontend = await RawFrontend.open(port);
    await frontend.invoke(channel, 'subscribe');
    let furthest = 0;
    engine.onMoved((_id, { x }) => (furthest = Math.max(furthest, x)));
    for (let x = 10; x < 30; x++) {
      const robot = engine.addRobot({ name: 'R', x, y: 2, radius: 0.5 });
      frontend.invoke(channel, 'drive', robot, { x: 390, y: 2 }).catch(() => {});
    }
    await frontend.nextMessage();
    await app.close();
    expect(await frontend.closed).toMatchObject({ code: 1001 });
    expect(furthest).toBeLessThan(390);
  });
});

/** Node's record of the warning; the warning itself goes to a process that a test does not see. */
function hasBeenWarnedOf(signal: AbortSignal): unknown {
  const key = Object.getOwnPropertySymbols(signal).find(
    ({ description }) => description === 'events.maxEventTargetListenersWarned',
  )!;
  return (signal as unknown as Record<symbol, unknown>)[key];
}

describe('RobotIpcHandler with more robots than listeners that Node expects on a signal', () => {
  it('drives them all, and causes no warning', async () => {
    const { app, port } = await start();
    const engine = app.get(RobotWorldEngine);
    const robots = Array.from({ length: 20 }, (_, i) =>
      engine.addRobot({ name: `Robot ${i}`, x: 2 + 2 * i, y: 2, radius: 0.5 }),
    );
    const frontend = await RawFrontend.open(port);
    const drives = robots.map((robot) => frontend.invoke(channel, 'drive', robot, { x: 390, y: 2 }));
    const { signal } = app.get(IpcHost).sessions[0]!;
    await until(() => getEventListeners(signal, 'abort').length >= robots.length);
    expect(hasBeenWarnedOf(signal)).toBe(false);
    for (const robot of robots) app.get(RobotTraffic).stop(robot);
    expect(await Promise.all(drives)).toHaveLength(robots.length);
    expect(getEventListeners(signal, 'abort').length).toBeLessThan(robots.length);
    await frontend.close();
    await app.close();
  });
});

describe('RobotIpcHandler of a frontend that reads slowly', () => {
  const { signal } = new AbortController();

  it('keeps the latest position of each robot, and sends it after the notification before it', async () => {
    const { app } = await start();
    const engine = app.get(RobotWorldEngine);
    const sent: [Id64String, Position][] = [];
    let catchUp = () => {};
    const moved = (...move: [Id64String, Position]) => {
      sent.push(move);
      return new Promise<void>((resolve) => (catchUp = resolve));
    };
    const session = { signal, notifications: () => ({ moved }) } as unknown as IpcSession;
    const handler = new RobotIpcHandler(session, engine, app.get(RobotTraffic), app.get(RobotSightings));
    await handler.subscribe();
    const at = (x: number) => ({ x, y: 1 });
    for (const x of [1, 2, 3]) engine.moveRobot('0x1', at(x));
    for (const x of [11, 12]) engine.moveRobot('0x2', at(x));
    expect(sent).toEqual([['0x1', at(1)]]);
    for (let i = 0; i < 3; i++) {
      catchUp();
      await nextTurn();
    }
    expect(sent.slice(1)).toEqual([
      ['0x1', at(3)],
      ['0x2', at(12)],
    ]);
    // The frontend has caught up: the next move is reported at once.
    engine.moveRobot('0x1', at(4));
    expect(sent.at(-1)).toEqual(['0x1', at(4)]);
    // A pending notification is dropped when the subscription ends.
    engine.moveRobot('0x1', at(5));
    handler.onModuleDestroy();
    catchUp();
    await nextTurn();
    expect(sent.at(-1)).toEqual(['0x1', at(4)]);
    await app.close();
  });

  it('ends its subscription if the session has ended', async () => {
    const { app } = await start();
    const engine = app.get(RobotWorldEngine);
    const moved = jest.fn(() => Promise.reject(new Error('The session is over.')));
    const session = { signal, notifications: () => ({ moved }) } as unknown as IpcSession;
    await new RobotIpcHandler(session, engine, app.get(RobotTraffic), app.get(RobotSightings)).subscribe();
    engine.moveRobot('0x1', { x: 1, y: 1 });
    await nextTurn();
    engine.moveRobot('0x1', { x: 2, y: 1 });
    expect(moved).toHaveBeenCalledTimes(1);
    await app.close();
  });
});
