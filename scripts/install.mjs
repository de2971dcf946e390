// Brings node_modules to what package-lock.json says, and is silent when it is there already.
// npm writes node_modules/.package-lock.json last, so an install that was interrupted shows.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { npm } from './npm.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const reason = difference();

if (reason) {
  console.log(`Installing dependencies (${reason}) …`);
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status, error } = npm(args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  if (error) console.error(error.message);
  process.exitCode = status ?? 1;
}

/** Why an install is needed, or undefined. */
function difference() {
  const locked = packages('package-lock.json');
  if (!locked) throw new Error('package-lock.json is missing or unreadable');
  const installed = packages('node_modules/.package-lock.json');
  if (!installed) return 'none are installed';
  for (const [path, entry] of Object.entries(locked)) {
    if (path === '') continue;
    const found = installed[path];
    if (!found) {
      // npm leaves out the optional packages of other platforms, and what only those need.
      if (entry.optional && !isForThisPlatform(entry)) continue;
      return `${path} is missing`;
    }
    if (found.version !== entry.version || found.integrity !== entry.integrity || found.link !== entry.link) {
      return `${path} has changed`;
    }
    if (!existsSync(join(root, path))) return `${path} is gone`;
  }
  const extra = Object.keys(installed).find((path) => !(path in locked));
  return extra && `${extra} is not in the lock file`;
}

function packages(file) {
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** Only an optional package that names this very platform is known to be needed: one that names none may serve another that does. */
function isForThisPlatform({ os, cpu, libc }) {
  if (!os || !cpu) return false;
  return os.includes(process.platform) && cpu.includes(process.arch) && !libc;
}
