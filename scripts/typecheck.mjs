// Checks each layer by itself: a layer that compiles only with another's types in sight has to fail.
import { spawnSync } from 'node:child_process';
import { libs } from './entries.mjs';

const tsc = 'node_modules/typescript/bin/tsc';
const layers = {
  'libs, each with what it may import': ['-b', ...libs.map(({ folder }) => folder)],
  'the page of libs/inspector': ['-p', 'libs/inspector/page'],
  'libs/electron in a page': ['-p', 'libs/electron/tsconfig.page.json'],
  'apps/robot-world': ['-p', 'apps/robot-world/tsconfig.app.json', '--noEmit'],
  'the page of apps/robot-world': ['-p', 'apps/robot-world/page'],
  'apps/fleet-planner': ['-p', 'apps/fleet-planner/tsconfig.app.json', '--noEmit'],
  'apps/robot-world-desktop': ['-p', 'apps/robot-world-desktop/tsconfig.app.json', '--noEmit'],
  'everything, tests included': ['-p', '.', '--noEmit'],
};

let failed = 0;
for (const [name, args] of Object.entries(layers)) {
  const { status } = spawnSync(process.execPath, [tsc, ...args], { stdio: 'inherit' });
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'}  ${name}`);
  if (status !== 0) failed++;
}
process.exitCode = failed === 0 ? 0 : 1;
