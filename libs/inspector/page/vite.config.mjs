import { defineConfig } from 'vite';
import { root, sourcesFor } from '../../../scripts/entries.mjs';

/** Builds the page of the inspector, which its package contains. */
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
  oxc: { decorator: { legacy: true } },
  build: {
    outDir: '../dist-page',
    emptyOutDir: true,
    target: 'es2023',
    modulePreload: false,
    cssCodeSplit: false,
    // The package serves these names, and no others.
    rolldownOptions: {
      output: { entryFileNames: 'page.js', assetFileNames: 'page[extname]', codeSplitting: false },
    },
  },
});
