// Starts both backends as `npm start` does, has one ask the other, and ends them as Ctrl+C does.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { answers, freePort, until } from './example.process.mjs';

const DEADLINE_MS = 180_000;
const [PORT, FLEET_PLANNER_PORT] = await Promise.all([freePort(), freePort()]);

const start = spawn(process.execPath, ['scripts/start.mjs'], {
  env: { ...process.env, PORT, FLEET_PLANNER_PORT, NO_COLOR: '1' },
  stdio: ['ignore', 'pipe', 'inherit'],
  detached: true, // a group of its own, as a terminal makes one
});
const exit = once(start, 'exit');
let output = '';
start.stdout.on('data', (chunk) => (output += chunk));

const holds = (what, condition) => until(what, condition, () => output, DEADLINE_MS);
/** The processes that have logged something of an activity. */
const loggers = (id) =>
  new Set(output.split('\n').flatMap((line) => (line.includes(id) ? /\[Nest\] (\d+)/.exec(line)?.[1] : [])));

try {
  await holds('one welcome is printed, last of all', () => output.trimEnd().endsWith('Ctrl+C ends it.'));
  if (output.split('Ctrl+C').length !== 2) throw new Error(`There are several:\n${output}`);
  const url = `http://127.0.0.1:${FLEET_PLANNER_PORT}/FleetPlannerRpcInterface-1.0.0-planRoute`;
  const headers = { 'X-Correlation-ID': 'check-start', 'Content-Type': 'text/plain' };
  const body = JSON.stringify([{}, '0xa', { x: 40, y: 14.4 }]);
  const route = await fetch(url, { method: 'POST', headers, body });
  if (!route.ok) throw new Error(`No route: ${await route.text()}`);
  await holds('both have logged the activity', () => loggers('check-start').size === 2);
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
