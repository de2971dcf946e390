// Compares the definitions of the example with their lock, by the command as it is built. `npm run check:contract -- lock` writes
// the lock anew.
import { spawnSync } from 'node:child_process';
import { compile } from './packages.mjs';

const isBuilt = process.argv.includes('--built');
if (!isBuilt) compile('libs/cli');
const command = process.argv.slice(2).find((argument) => argument !== '--built') ?? 'check';
const app = 'apps/robot-world';
const args = [command, '--project', `${app}/tsconfig.app.json`, '--lock', `${app}/linnet.lock.json`];
const { status } = spawnSync(process.execPath, ['dist/node_modules/@linnet/cli/dist/main.js', ...args], {
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
