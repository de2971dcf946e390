// Builds a page of the tests, with its workers, and prints its files by their names: Vite does not run within Jest.
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const configFile = fileURLToPath(new URL('../../apps/robot-world/page/vite.config.mjs', import.meta.url));
const { output } = await build({ configFile, root: process.argv[2], build: { write: false } });
const files = output.map(({ fileName, code, source }) => [fileName, String(code ?? source)]);
console.log(JSON.stringify(Object.fromEntries(files)));
