import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';
import { IpcFrontend, webSocketIpc } from '@linnet/frontend';
import { endOf } from '../../../../test/harness/child.end.js';
import { freePort } from '../../../../test/harness/free.port.js';
import { hasRedis, startRedis } from '../../../../test/harness/redis.server.js';
import { until } from '../../../../test/harness/waiting.js';
import { robotChannel } from '../common/robot.ipc.js';
import type { RobotIpc } from '../common/robot.ipc.js';
import { visitorsChannel } from '../common/visitors.ipc.js';
import type { VisitorsIpc } from '../common/visitors.ipc.js';

// Lets Node compile the sources, in the primary process and in its workers.
const entry = fileURLToPath(new URL('../../../../test/ipc/transport/worker/start.mjs', import.meta.url));
const main = new URL('../main.ts', import.meta.url).href;

/** How long nodes may take to start on a busy machine, in milliseconds. */
const START_MS = 90_000;

/** A frontend, and what it was notified of. */
interface Visitor {
  readonly frontend: IpcFrontend;
  readonly visitors: VisitorsIpc;
  readonly robots: RobotIpc;
  /** The names of all visitors, by the last notification. */
  names: string[];
  readonly greetings: string[];
  /** Robots that moved. */
  readonly moved: string[];
}

describe('Robot World with two nodes', () => {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).toReversed()) await end();
  });

  /** Starts the example, as `npm start -- --nodes 2` does. @returns its port, the pids of its nodes, and its lines */
  async function start(env: NodeJS.ProcessEnv) {
    const port = String(await freePort());
    const options = { ...process.env, PORT: port, ROBOT_WORLD_NODES: '2', REDIS_URL: '', ...env };
    const primary = spawn(process.execPath, [entry, main], {
      env: options,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    ends.push(() => endOf(primary, 'SIGTERM'));
    const lines: string[] = [];
    createInterface(primary.stdout).on('line', (line) => lines.push(line));
    const nodes = await until(
      () => lines.map((line) => /^2 nodes: (\d+), (\d+)$/.exec(line)).find(Boolean),
      START_MS,
    );
    return { port, pids: nodes!.slice(1).map(Number), lines, primary };
  }

  async function visit(port: string, name: string): Promise<Visitor> {
    const frontend = new IpcFrontend(webSocketIpc(`ws://127.0.0.1:${port}/ipc`), { reconnect: false });
    ends.push(() => frontend.close());
    const visitors = frontend.makeIpcProxy<VisitorsIpc>(visitorsChannel);
    const robots = frontend.makeIpcProxy<RobotIpc>(robotChannel);
    const visitor: Visitor = { frontend, visitors, robots, names: [], greetings: [], moved: [] };
    frontend.addListener(visitorsChannel, (_event, type: string, first: unknown, text: string) => {
      if (type === 'changed') visitor.names = first as string[];
      else visitor.greetings.push(`${String(first)}: ${text}`);
    });
    frontend.addListener(robotChannel, (_event, _type: string, robot: string) => visitor.moved.push(robot));
    visitor.names = await visitors.enter(name);
    await robots.subscribe();
    return visitor;
  }

  const promises = (env: () => NodeJS.ProcessEnv, leaseMs: number) => async () => {
    const { port, pids, lines, primary } = await start(env());
    const all: Visitor[] = [];
    // The nodes take connections in turn.
    for (const name of ['ada', 'bea', 'cleo', 'dora']) all.push(await visit(port, name));
    const [ada, ...others] = all as [Visitor, ...Visitor[]];
    await until(() => all.every(({ names }) => names.join() === 'ada,bea,cleo,dora'));
    await ada.visitors.greet('hello');
    await until(() => others.every(({ greetings }) => greetings.join() === 'ada: hello'));
    expect(ada.greetings).toEqual([]);

    // The nodes share the warehouse: all see the robot move, and another node can stop it.
    const drive = ada.robots.drive('0xa', { x: 40, y: 14.4 });
    await until(() => all.every(({ moved }) => moved.includes('0xa')));
    await others[0]!.robots.stop('0xa');
    expect(await drive).toMatchObject({ arrived: false });

    process.kill(pids[0]!, 'SIGKILL');
    await until(() => all.filter(({ frontend }) => !frontend.isValid).length === 2);
    const left = all.filter(({ frontend }) => frontend.isValid);
    await until(() => left.every(({ names }) => names.length === 2), leaseMs + 5_000);
    // Another node takes the place of the dead one.
    await until(() => lines.some((line) => line.startsWith('Node ')), START_MS);
    const [eva, fay] = [await visit(port, 'eva'), await visit(port, 'fay')];
    await until(() => [...left, eva, fay].every(({ names }) => names.length === 4));
    await eva.visitors.greet('I am new');
    await until(() => [...left, fay].every(({ greetings }) => greetings.includes('eva: I am new')));

    const ended = once(primary, 'exit');
    primary.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect(() => process.kill(pids[1]!, 0)).toThrow('ESRCH');
  };

  it(
    'carries room messages and presence between them, survives the death of one, and ends at SIGTERM',
    promises(() => ({}), 0),
    240_000,
  );

  (hasRedis ? it : it.skip)(
    'does the same over Redis',
    async () => {
      const redis = await startRedis();
      ends.push(() => redis.stop());
      await promises(() => ({ REDIS_URL: redis.url }), 15_000)();
    },
    240_000,
  );
});
