import { defineConfig } from 'vite';
import { root, sourcesFor } from '../../../scripts/entries.mjs';

/** Builds the page; other bundles of the frontend library's sources use the same settings. */
export default defineConfig({
  root: import.meta.dirname,
  // Relative, because the page may be served under any path.
  base: './',
  logLevel: 'warn',
  resolve: {
    // Regular expressions match whole names; Vite treats a string as a prefix.
    alias: Object.entries(sourcesFor('default')).map(([name, file]) => ({
      find: new RegExp(`^${name}$`),
      replacement: root + file,
    })),
  },
  // As in tsconfig.json: definitions have decorators.
  oxc: { decorator: { legacy: true } },
  build: { outDir: '../dist-page', emptyOutDir: true, target: 'es2023' },
});
