// Starts Robot World in a window: `npm run desktop`. The repository does not depend on Electron, because its package downloads a
// program of a hundred megabytes when it is installed.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const main = 'dist/apps/robot-world-desktop/apps/robot-world-desktop/src/main.js';

/** The path of the program, which is what Electron's package exports; `undefined` where it is not installed. */
function electronProgram() {
  try {
    return createRequire(import.meta.url)('electron');
  } catch {
    return undefined;
  }
}

function run(program, ...args) {
  return spawnSync(program, args, { cwd: root, stdio: 'inherit' }).status ?? 1;
}

const electron = electronProgram();
if (electron === undefined) {
  console.error(
    'Electron is missing: `npm install --no-save electron`, and once more. It downloads its program from github.com.',
  );
  process.exitCode = 1;
} else {
  process.exitCode =
    run(process.execPath, 'scripts/build-page.mjs') ||
    run(process.execPath, 'node_modules/@nestjs/cli/bin/nest.js', 'build', 'robot-world-desktop') ||
    run(electron, main);
}
