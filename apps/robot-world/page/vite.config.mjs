import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const libs = (path) => fileURLToPath(new URL(`../../../libs/${path}`, import.meta.url));

/** The page, and any other bundle of the frontend library's sources for browsers. */
export default defineConfig({
  root: import.meta.dirname,
  // Relative: the page may be served from anywhere.
  base: './',
  logLevel: 'warn',
  resolve: {
    alias: {
      '@linnet/common': libs('common/src/index.ts'),
      '@linnet/frontend': libs('frontend/src/index.ts'),
      '#websocket': libs('frontend/src/websocket.page.ts'),
    },
  },
  // As in tsconfig.json: definitions bear decorators.
  oxc: { decorator: { legacy: true } },
  build: { outDir: '../dist-page', emptyOutDir: true, target: 'es2023' },
});
