import { sourcesFor } from './scripts/entries.mjs';

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  // The example serves its page as it is built.
  globalSetup: '<rootDir>/scripts/build-page.mjs',
  testMatch: ['libs', 'apps', 'test'].map((folder) => `<rootDir>/${folder}/**/*.spec.ts`),
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  moduleNameMapper: {
    ...Object.fromEntries(
      Object.entries(sourcesFor('node')).map(([name, file]) => [`^${name}$`, `<rootDir>/${file}`]),
    ),
    // Its program is not to be had from the registry.
    '^electron$': '<rootDir>/test/ipc/electron/electron.cjs',
    // Sources name the emitted file; packages, which this pattern meets too, have it.
    '^(\\.{1,2}/.*)\\.js$': ['$1.ts', '$1.js'],
  },
  setupFiles: ['reflect-metadata'],
  maxWorkers: 2,
  // Modules of a file that has ended stay in memory, and a worker with gigabytes of them is slow.
  workerIdleMemoryLimit: '1GB',
  // The limit for a test that hangs. Some tests take long on a busy machine, and pass.
  testTimeout: 60_000,
  collectCoverageFrom: ['libs/*/src/**/*.ts', '!**/*.spec.ts'],
  coverageProvider: 'v8',
  coverageReporters: ['text-summary', 'lcov'],
};
