// Compares the definitions of the example with what is committed of them, by the command as it is built: the lock, and the contracts that
// the backends serve documents of. `npm run check:contract -- lock` writes the lock anew, and `-- contract` the contracts.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { root } from './entries.mjs';
import { compile } from './packages.mjs';

const world = 'apps/robot-world';
const definitions = (app, ...names) => names.map((name) => `${app}/src/common/${name}.ts`);
const worldDefinitions = definitions(
  world,
  'robot-world.rpc',
  'activity-trace.rpc',
  'robot.ipc',
  'floor.ipc',
  'visitors.ipc',
);
const plannerDefinitions = [
  ...definitions('apps/fleet-planner', 'fleet-planner.rpc'),
  ...definitions(world, 'activity-trace.rpc'),
];
const contracts = { [world]: worldDefinitions, 'apps/fleet-planner': plannerDefinitions };

/** Runs the command. @returns what it writes @throws Error if it fails */
function linnet(...args) {
  const { status, stdout } = spawnSync(
    process.execPath,
    ['dist/node_modules/@linnet/cli/dist/main.js', ...args],
    { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
  );
  if (status !== 0) throw new Error(`linnet ${args[0]} has found a difference, or has failed:\n${stdout}`);
  return stdout;
}

const contractArguments = ([app, files]) => ['contract', ...files, '--project', `${app}/tsconfig.app.json`];

const commands = {
  lock: () =>
    linnet('lock', '--project', `${world}/tsconfig.app.json`, '--lock', `${world}/linnet.lock.json`),
  contract: () => {
    for (const each of Object.entries(contracts))
      linnet(...contractArguments(each), '--out', `${each[0]}/contract.json`);
  },
  check: () => {
    linnet('check', '--project', `${world}/tsconfig.app.json`, '--lock', `${world}/linnet.lock.json`);
    for (const each of Object.entries(contracts))
      if (linnet(...contractArguments(each)) !== readFileSync(`${root}${each[0]}/contract.json`, 'utf8'))
        throw new Error(
          `${each[0]}/contract.json is not that of the definitions: npm run check:contract -- contract`,
        );
  },
};

const isBuilt = process.argv.includes('--built');
if (!isBuilt) compile('libs/cli');
commands[process.argv.slice(2).find((argument) => argument !== '--built') ?? 'check']();
