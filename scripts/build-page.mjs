// Builds the example's page: before the tests, which load this as a module, and by itself.
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const configFile = fileURLToPath(new URL('../apps/robot-world/page/vite.config.mjs', import.meta.url));

export default async function buildPage() {
  await build({ configFile });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildPage();
