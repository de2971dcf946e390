// Builds the pages of the example and of the inspector: before the tests, which load this as a module, and by itself.
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { root } from './entries.mjs';

/** Builds the page of the inspector. @param outDir default: beside its sources, where the library finds it */
export function buildInspectorPage(outDir) {
  const configFile = `${root}libs/inspector/page/vite.config.mjs`;
  return build(outDir ? { configFile, build: { outDir } } : { configFile });
}

export default async function buildPages() {
  await build({ configFile: `${root}apps/robot-world/page/vite.config.mjs` });
  await buildInspectorPage();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildPages();
