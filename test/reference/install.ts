import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Installs the packages that a folder of tests has of its own, where they are not there yet.
 *
 * @returns why they cannot be had; `undefined` where they are there
 */
export function installPackages(folder: string): string | undefined {
  return alone(folder, () => install(folder));
}

/** Test files that ask at once would install over each other: one waits for the other. */
function alone<T>(folder: string, work: () => T): T {
  const lock = join(folder, '.installing');
  while (!taken(lock)) {
    const since = statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Infinity;
    // A process that was killed has left it. Nothing needs as long.
    if (Date.now() - since > 300_000) rmSync(lock, { recursive: true, force: true });
    // Sleeps: the other test file is another process, and its end removes a folder without an event.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  }
  try {
    return work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

function taken(lock: string): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function install(folder: string): string | undefined {
  // npm writes this file last.
  const installed = join(folder, 'node_modules/.package-lock.json');
  if (existsSync(installed) && isOf(folder, readFileSync(installed, 'utf8'))) return undefined;
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--fetch-retries=1'];
  const { status, error, stderr } = spawnSync(npm, args, {
    cwd: folder,
    encoding: 'utf8',
    shell: process.platform === 'win32',
    timeout: 240_000,
  });
  if (status === 0) return undefined;
  // Offline is a reason to do without; anything else is a fault of what is kept here.
  const reason =
    /E(NOTFOUND|AI_AGAIN|CONNREFUSED|CONNRESET|TIMEDOUT|NETUNREACH|HOSTUNREACH)|network|ETARGET|E40[13]|E5\d\d/;
  const said = error?.message ?? stderr;
  if (!error && !reason.test(said)) throw new Error(`npm ci in ${folder} failed: ${said}`);
  return `the registry cannot be reached (${said.split('\n').find((line) => reason.test(line)) ?? said})`;
}

/** Whether what npm says it has installed is what the lock file names. */
function isOf(folder: string, installed: string): boolean {
  const { packages } = JSON.parse(installed) as { packages: Record<string, { version: string }> };
  const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  return Object.entries(dependencies)
    .filter(([, version]) => /^\d/.test(version))
    .every(([name, version]) => packages[`node_modules/${name}`]?.version === version);
}
