// Starts both backends as `npm start` does, has one ask the other, and ends them as Ctrl+C does. Then the same with two nodes, on the
// backplane of the computer and, if Redis is installed, over Redis.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { answers, freePort, until } from './example.process.mjs';

const DEADLINE_MS = 100_000;
const VISITORS = ['ada', 'bea', 'cleo', 'dora'];
const redisServer = process.env.REDIS_BINARY ?? 'redis-server';

/**
 * @param args of `npm start`
 * @param env further variables
 * @param also checks more while both run
 */
async function check(args, env, also) {
  const [PORT, FLEET_PLANNER_PORT] = await Promise.all([freePort(), freePort()]);
  console.log(`npm start ${args.length > 0 ? `-- ${args.join(' ')} ` : ''}${Object.keys(env).join(' ')}`);
  const start = spawn(process.execPath, ['scripts/start.mjs', ...args], {
    env: { ...process.env, REDIS_URL: '', PORT, FLEET_PLANNER_PORT, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true, // a group of its own, as a terminal makes one
  });
  const exit = once(start, 'exit');
  let output = '';
  start.stdout.on('data', (chunk) => (output += chunk));

  const holds = (what, condition) => until(what, condition, () => output, DEADLINE_MS);
  /** The processes that have logged something of an activity. */
  const loggers = (id) =>
    new Set(
      output.split('\n').flatMap((line) => (line.includes(id) ? /\[Nest\] (\d+)/.exec(line)?.[1] : [])),
    );

  try {
    await holds('one welcome is printed, last of all', () => output.trimEnd().endsWith('Ctrl+C ends it.'));
    if (output.split('Ctrl+C').length !== 2) throw new Error(`There are several:\n${output}`);
    const url = `http://127.0.0.1:${FLEET_PLANNER_PORT}/FleetPlannerRpcInterface-1.0.0-planRoute`;
    const headers = { 'X-Correlation-ID': 'check-start', 'Content-Type': 'text/plain' };
    const body = JSON.stringify([{}, '0xa', { x: 40, y: 14.4 }]);
    const route = await fetch(url, { method: 'POST', headers, body });
    if (!route.ok) throw new Error(`No route: ${await route.text()}`);
    await holds('both have logged the activity', () => loggers('check-start').size === 2);
    await also?.({ port: PORT, holds, output: () => output });
    process.kill(-Number(start.pid), 'SIGINT');
    const [code] = await exit;
    if (code !== 0) throw new Error(`It ended with ${code}:\n${output}`);
    await holds('both are gone', async () => !(await answers(PORT)) && !(await answers(FLEET_PLANNER_PORT)));
  } finally {
    try {
      process.kill(-Number(start.pid), 'SIGKILL');
    } catch {
      // Nothing is left of it.
    }
  }
}

/** The page is there, and visitors on both nodes see each other. The nodes take connections in turn. */
async function checkNodes({ port, holds, output }) {
  const [, ...pids] = /^2 nodes: (\d+), (\d+)$/m.exec(output()) ?? [];
  if (pids.length !== 2) throw new Error(`There are no two nodes:\n${output()}`);
  const page = await fetch(`http://127.0.0.1:${port}/`);
  if (!page.ok || !(await page.text()).includes('<script'))
    throw new Error(`The page answers ${page.status}.`);
  const visits = VISITORS.map((name) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ipc`);
    const visit = { socket, seen: '' };
    const message = {
      type: 2,
      channel: 'itwin.visitors-v1.0',
      method: 'enter',
      data: [name],
      request: 1,
      sequence: 0,
    };
    socket.on('open', () => socket.send(JSON.stringify([JSON.stringify(message), 0])));
    socket.on('message', (frame) => (visit.seen = String(frame)));
    return visit;
  });
  const isListed = ({ seen }) => VISITORS.every((name) => seen.includes(name));
  try {
    await holds('all visitors see all others', () => visits.every(isListed));
  } finally {
    for (const { socket } of visits) socket.terminate();
  }
}

await check([], {});
await check(['--nodes', '2'], {}, checkNodes);
if (spawnSync(redisServer, ['--version']).status === 0) {
  const port = await freePort();
  const redis = spawn(redisServer, [
    '--port',
    port,
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
  ]);
  redis.stdout.resume();
  redis.stderr.resume();
  try {
    await check(['--nodes', '2'], { REDIS_URL: `redis://127.0.0.1:${port}` }, checkNodes);
  } finally {
    redis.kill();
  }
} else console.log(`${redisServer} is not installed: nothing is tried over Redis.`);
