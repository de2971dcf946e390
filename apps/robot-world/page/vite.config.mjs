import { defineConfig } from 'vite';
import { root, sourcesFor } from '../../../scripts/entries.mjs';

/** The page, and any other bundle of the frontend library's sources for browsers. */
export default defineConfig({
  root: import.meta.dirname,
  // Relative: the page may be served from anywhere.
  base: './',
  logLevel: 'warn',
  resolve: {
    // Each name whole: Vite would take a string for the beginning of one.
    alias: Object.entries(sourcesFor('default')).map(([name, file]) => ({
      find: new RegExp(`^${name}$`),
      replacement: root + file,
    })),
  },
  // As in tsconfig.json: definitions bear decorators.
  oxc: { decorator: { legacy: true } },
  build: { outDir: '../dist-page', emptyOutDir: true, target: 'es2023' },
});
