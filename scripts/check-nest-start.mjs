// Starts the example under `nest start --watch`, changes a library, and sees the application start again.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const DEADLINE_MS = 120_000;
const port = await new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

const nest = spawn('npx', ['--no-install', 'nest', 'start', 'robot-world', '--watch', '--no-shell'], {
  env: { ...process.env, PORT: String(port), NO_COLOR: '1' },
  stdio: ['ignore', 'pipe', 'inherit'],
  detached: true, // a group of its own, so that nothing of it is left behind
});
let output = '';
nest.stdout.on('data', (chunk) => (output += chunk));

const starts = () => output.split('Nest application successfully started').length - 1;

async function until(what, condition) {
  const end = Date.now() + DEADLINE_MS;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`Waited in vain until ${what}:\n${output}`);
    await sleep(200);
  }
  console.log(`${what}: yes`);
}

const answers = () =>
  fetch(`http://127.0.0.1:${port}/ping`).then(
    (response) => response.ok,
    () => false,
  );

const source = new URL('../libs/common/src/index.ts', import.meta.url);
const text = readFileSync(source, 'utf8');
try {
  await until('the application is started', () => starts() === 1 && answers());
  let changes = '';
  await until('a change in a library restarts it', () => {
    // Again and again: the compiler may not watch yet, or be at work.
    changes += '// changed\n';
    writeFileSync(source, text + changes);
    return sleep(4000).then(() => starts() > 1 && answers());
  });
} finally {
  writeFileSync(source, text);
  process.kill(-Number(nest.pid), 'SIGKILL');
}
