// Runs npm, wherever it is.
import { spawnSync } from 'node:child_process';

/** As `spawnSync`. */
export function npm(args, options) {
  // npm's own CLI file where there is one: a bare `npm` is a .cmd on Windows, which cannot be spawned.
  const cli = process.env.npm_execpath;
  return cli?.endsWith('.js')
    ? spawnSync(process.execPath, [cli, ...args], options)
    : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' });
}
