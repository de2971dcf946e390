// Builds the pages of the example and of the inspector: before the tests, which load this as a module, and by itself.
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { root } from './entries.mjs';

/** Builds the page of the inspector beside its sources, where the library finds it. */
export function buildInspectorPage() {
  return buildPage({ configFile: `${root}libs/inspector/page/vite.config.mjs` });
}

export default async function buildPages() {
  await buildPage({ configFile: `${root}apps/robot-world/page/vite.config.mjs` });
  await buildInspectorPage();
}

/** Vite sets NODE_ENV for the whole process, and npm would install no development dependencies from then on. */
async function buildPage(options) {
  const { NODE_ENV } = process.env;
  await build(options);
  if (NODE_ENV === undefined) delete process.env.NODE_ENV;
  else process.env.NODE_ENV = NODE_ENV;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildPages();
