// Runs the end-to-end suite on the releases of Node that are promised, but for the one that runs all tests anyway.
import { spawnSync } from 'node:child_process';
import { root } from './entries.mjs';
import { nodes } from './nodes.mjs';

const jest = [
  '--experimental-vm-modules',
  '--disable-warning=ExperimentalWarning',
  'node_modules/jest/bin/jest.js',
];

/** Attacks, streams and clients, without the files that wait for time to pass. */
const suite = [
  'test/hostile/http/(attacks|gone-clients|hostile\\.spec|streams)',
  'test/rpc/nest/clients/itwin-client',
];

for (const { release, path } of nodes().filter(({ path }) => path !== process.execPath)) {
  const { status } = spawnSync(path, [...jest, ...suite], { cwd: root, stdio: 'inherit' });
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'}  the end-to-end suite on Node ${release}`);
  if (status !== 0) process.exitCode = 1;
}
