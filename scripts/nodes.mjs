// The releases of Node that the packages promise to run on. Missing releases come from the npm registry.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { root } from './entries.mjs';
import { npm } from './npm.mjs';

const releases = ['20', '22', '24'];
const folder = `${root}dist/nodes`;
const platform = `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
const binary = process.platform === 'win32' ? 'bin/node.exe' : 'bin/node';
const [ownRelease] = process.versions.node.split('.');

/** Each release with the path of its executable; installs those that are missing. */
export function nodes() {
  const found = releases.map((release) => ({
    release,
    path: release === ownRelease ? process.execPath : `${folder}/node_modules/node${release}/${binary}`,
  }));
  const missing = found.filter(({ path }) => !existsSync(path)).map(({ release }) => release);
  if (missing.length > 0) install(missing);
  return found;
}

/** The package `node` itself only has a script that chooses among these. */
function install(missing) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/package.json`, JSON.stringify({ private: true }));
  const packages = missing.map((release) => `node${release}@npm:node-${platform}@${release}`);
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...packages];
  const { status } = npm(args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error(`Node ${missing.join(' and ')} could not be installed for ${platform}.`);
}
