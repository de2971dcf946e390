// The entries of each library, read from its package.json, for tools that resolve the sources in place of `dist`.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** The folders under `libs` that are packages, each with its manifest. */
export const libs = readdirSync(`${root}libs`)
  .filter((name) => existsSync(`${root}libs/${name}/package.json`))
  .map((name) => ({
    name,
    folder: `libs/${name}`,
    manifest: JSON.parse(readFileSync(`${root}libs/${name}/package.json`, 'utf8')),
  }));

/** `./dist/node/index.js` of a package is `src/node/index.ts` of its folder. */
const sourceOf = ({ folder }, file) =>
  file.replace('./dist', `${folder}/src`).replace(/(?:\.d)?\.(c?)[jt]s$/, '.$1ts');

/** Every entry: the name it is imported by, its library, and its source, from the repository's root. */
export const entries = libs.flatMap((lib) =>
  Object.entries(lib.manifest.exports)
    .filter(([, target]) => target.types)
    .map(([path, target]) => ({
      name: lib.manifest.name + path.slice(1),
      lib,
      source: sourceOf(lib, target.types),
    })),
);

/** The source of each entry by name, and of what a library imports of its own by condition (`#websocket`). */
export function sourcesFor(condition) {
  const own = libs.flatMap((lib) =>
    Object.entries(lib.manifest.imports ?? {}).map(([name, targets]) => [
      name,
      sourceOf(lib, targets[condition] ?? targets.default),
    ]),
  );
  return Object.fromEntries([...entries.map(({ name, source }) => [name, source]), ...own]);
}
