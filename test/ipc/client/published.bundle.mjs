// Bundles a package by what its own package.json says, without any configuration: `node published.bundle.mjs <folder>
// [ssr]`. Prints the files that it is made of, and what it imports from outside, as JSON.
import { build } from 'vite';

const [root, ssr] = process.argv.slice(2);
const { output } = await build({
  root,
  configFile: false,
  logLevel: 'silent',
  // Else a bundle for Node would name packages, and hold none.
  ssr: { noExternal: ['@linnet/frontend', '@linnet/common'] },
  build: { write: false, ssr: ssr === 'ssr', rolldownOptions: { input: `${root}/entry.mjs` } },
});
const chunks = output.filter(({ type }) => type === 'chunk');
process.stdout.write(
  JSON.stringify({
    files: chunks.flatMap(({ moduleIds }) => moduleIds),
    // Less the chunks of the bundle itself.
    imports: chunks
      .flatMap(({ imports }) => imports)
      .filter((name) => !chunks.some(({ fileName }) => fileName === name)),
  }),
);
