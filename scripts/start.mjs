// Starts the example's two backends: `npm start`, and with --watch `npm run start:dev`. Ctrl+C ends both. With `--nodes 2` Robot
// World has two processes. With --trace the page shows each click as a trace.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const options = {
  watch: { type: 'boolean' },
  trace: { type: 'boolean' },
  nodes: { type: 'string', default: '1' },
};
const { watch: isWatching, trace: isTracing, nodes } = parseArgs({ options }).values;
if (!/^[1-9]\d?$/.test(nodes)) throw new Error(`--nodes needs a number from 1 to 99: ${String(nodes)}`);
const root = fileURLToPath(new URL('..', import.meta.url));
const nest = 'node_modules/@nestjs/cli/bin/nest.js';
const port = process.env.PORT ?? '3001';
const plannerPort = process.env.FLEET_PLANNER_PORT ?? '3002';
const env = {
  ...process.env,
  PORT: port,
  FLEET_PLANNER_PORT: plannerPort,
  ROBOT_WORLD_NODES: nodes,
  ROBOT_WORLD_URL: process.env.ROBOT_WORLD_URL ?? `http://127.0.0.1:${port}`,
  FLEET_PLANNER_URL: process.env.FLEET_PLANNER_URL ?? `http://127.0.0.1:${plannerPort}`,
  ...(isTracing && { ROBOT_WORLD_TRACE: '1' }),
};
const apps = ['fleet-planner', 'robot-world'];
const running = new Set();

// A terminal sends Ctrl+C to all of its processes: the backends end by themselves, and this one with the last of them.
let stopping = false;
process.on('SIGINT', () => (stopping = true));
for (const signal of ['SIGTERM', 'SIGHUP'])
  process.on(signal, () => {
    stopping = true;
    for (const child of running) child.kill(signal);
  });

/** Resolves with the exit code; 0 for a process that a signal has ended. */
function run(...args) {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env,
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  running.add(child);
  const ended = once(child, 'exit').then(([code]) => {
    running.delete(child);
    return code ?? 0;
  });
  return { child, ended };
}

/** One of the two is of no use alone: when one ends, the other ends too. */
async function endTogether(all) {
  const code = await Promise.race(all);
  for (const child of running) child.kill('SIGTERM');
  const codes = await Promise.all(all);
  return code || Math.max(...codes);
}

async function start() {
  const builds = [run('scripts/build-page.mjs'), ...apps.map((app) => run(nest, 'build', app))];
  const built = await Promise.all(builds.map(({ ended }) => ended));
  if (stopping) return 0;
  if (built.some((code) => code !== 0)) return 1;
  const main = (app) => `dist/apps/${app}/apps/${app}/src/main.js`;
  const planner = run(main('fleet-planner'));
  // Robot World comes second, so that its welcome is the last thing on the screen.
  const first = await Promise.race([once(planner.child, 'message'), planner.ended]);
  if (stopping) return planner.ended;
  if (typeof first === 'number') return first || 1;
  return endTogether([planner.ended, run(main('robot-world')).ended]);
}

async function watch() {
  const failure = await run('scripts/build-page.mjs').ended;
  if (failure || stopping) return failure;
  return endTogether(apps.map((app) => run(nest, 'start', app, '--watch', '--no-shell').ended));
}

process.exitCode = await (isWatching ? watch() : start());
