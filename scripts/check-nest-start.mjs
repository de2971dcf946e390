// Starts the example under `nest start --watch`, changes a library, and sees the application start again.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { answers, freePort, until } from './example.process.mjs';

const DEADLINE_MS = 120_000;
/** The time that the compiler gets for one change. */
const CHANGE_MS = 4000;
const PORT = await freePort();

const nest = spawn('npx', ['--no-install', 'nest', 'start', 'robot-world', '--watch', '--no-shell'], {
  env: { ...process.env, PORT, NO_COLOR: '1' },
  stdio: ['ignore', 'pipe', 'inherit'],
  detached: true, // a group of its own, so that nothing of it is left behind
});
let output = '';
nest.stdout.on('data', (chunk) => (output += chunk));

const starts = () => output.split('Nest application successfully started').length - 1;

const holds = (what, condition) => until(what, condition, () => output, DEADLINE_MS);

const source = new URL('../libs/common/src/index.ts', import.meta.url);
const text = readFileSync(source, 'utf8');
try {
  await holds('the application is started', () => starts() === 1 && answers(PORT));
  let changes = '';
  let changedAt = -Infinity;
  await holds('a change in a library restarts it', () => {
    // Changes the file again and again, because the compiler may not watch it yet, or be at work.
    if (performance.now() - changedAt > CHANGE_MS) {
      changedAt = performance.now();
      changes += '// changed\n';
      writeFileSync(source, text + changes);
    }
    return starts() > 1 && answers(PORT);
  });
} finally {
  writeFileSync(source, text);
  process.kill(-Number(nest.pid), 'SIGKILL');
}
