// Builds the libraries as they are published, below dist/node_modules: there they are packages for all that is built
// into dist. In libs/ they never have a dist: Nest's CLI would take a built library, however old, for its source.
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildInspectorPage } from './build-page.mjs';
import { libs, root } from './entries.mjs';
import { npm } from './npm.mjs';

/** Members that all packages share are in the manifest of the repository. */
const { license, engines, repository } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));

/** Each library as a package: its name on the registry, and its folder. */
export const packages = libs.map(({ name, folder, manifest }) => ({
  lib: name,
  source: root + folder,
  manifest,
  name: manifest.name,
  folder: `${root}dist/node_modules/${manifest.name}`,
}));

/** Compiles projects with all libraries that they are built on. Ends the process where they do not compile. */
export function compile(...projects) {
  for (const { folder, source, manifest } of packages) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}/package.json`, `${JSON.stringify(published(manifest, source), null, 2)}\n`);
    copyFileSync(`${source}/README.md`, `${folder}/README.md`);
    copyFileSync(`${root}LICENSE`, `${folder}/LICENSE`);
    // Files beside its code.
    for (const name of manifest.files.filter((name) => existsSync(`${source}/${name}`)))
      cpSync(`${source}/${name}`, `${folder}/${name}`, { recursive: true });
  }
  const args = [`${root}node_modules/typescript/bin/tsc`, '-b', ...projects];
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}

/** Builds all libraries anew, so that nothing is in them of files that are gone. */
export async function buildPackages() {
  for (const { folder } of packages) rmSync(folder, { recursive: true, force: true });
  // Built first, because it is copied with the files beside the code.
  await buildInspectorPage();
  compile(...libs.map(({ folder }) => folder));
}

/** Builds all libraries, unless the caller of this process has built them just before, and says so with `--built`. */
export async function ensurePackages() {
  if (!process.argv.includes('--built')) await buildPackages();
}

/** Packs a library that is built. @returns the path of the tarball, which is in `target` */
export function pack({ folder, name, manifest }, target) {
  const { status } = npm(['pack', '--pack-destination', target, '--loglevel=error'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw new Error(`${name} cannot be packed.`);
  return join(target, `${name.slice(1).replace('/', '-')}-${manifest.version}.tgz`);
}

function published(manifest, source) {
  const directory = source.slice(root.length);
  const result = {
    ...manifest,
    license,
    engines,
    ...(repository && { repository: { ...repository, directory } }),
  };
  // In the repository it keeps a library from being published without what is built.
  delete result.private;
  return result;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildPackages();
