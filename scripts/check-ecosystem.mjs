// Packs the libraries, and tries them in the application of test/ecosystem, which uses them together with libraries that many
// Nest applications have. Its own lock file names these libraries. The recipes of docs/ecosystem.md are files of the application.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './entries.mjs';
import { freePort } from './example.process.mjs';
import { npm } from './npm.mjs';
import { ensurePackages, pack, packages } from './packages.mjs';

const DEADLINE_MS = 60_000;
/** The packages that the application uses. Its TypeORM wants another release of ioredis than `@linnet/redis`. */
const used = ['common', 'backend', 'frontend'];
const adapters = ['linnet', 'express', 'fastify'];
const folder = mkdtempSync(join(tmpdir(), 'linnet-ecosystem-'));
const project = join(folder, 'application');

function install(command, ...more) {
  const quiet = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status } = npm([command, ...quiet, ...more], {
    cwd: project,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw new Error(`npm ${command} failed.`);
}

/** Runs a script of Node. @returns whether it succeeds, in time */
function run(name, args, env = {}) {
  const options = { cwd: project, stdio: ['ignore', 'inherit', 'inherit'], timeout: DEADLINE_MS };
  const { status } = spawnSync(process.execPath, args, { ...options, env: { ...process.env, ...env } });
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'}  ${name}`);
  if (status !== 0) process.exitCode = 1;
  return status === 0;
}

/** Puts each block of code of the guide into the file that its first line names, which must be a new one. */
function writeRecipes() {
  const guide = readFileSync(`${root}docs/ecosystem.md`, 'utf8');
  for (const [, code] of guide.matchAll(/^```typescript\n([^]*?)^```$/gm)) {
    const [, name] = /^\/\/ ([\w.]+\.ts)\n/.exec(code) ?? [];
    if (!name) throw new Error(`A recipe names no file: ${code}`);
    writeFileSync(join(project, 'application', name), code, { flag: 'wx' });
  }
}

await ensurePackages();
try {
  cpSync(`${root}test/ecosystem`, project, { recursive: true });
  writeRecipes();
  const tarballs = packages.filter(({ lib }) => used.includes(lib)).map((one) => pack(one, folder));
  install('ci');
  install('install', '--no-save', ...tarballs);
  if (run('types', [`${root}node_modules/typescript/bin/tsc`, '-p', '.']))
    for (const ADAPTER of adapters)
      run(`on ${ADAPTER}`, ['--test', '--test-reporter=spec', 'dist/everything.test.js'], {
        ADAPTER,
        WAREHOUSE_PORT: await freePort(),
      });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
