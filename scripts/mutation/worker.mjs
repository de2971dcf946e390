// Runs spec files in one process for as long as it can: each message names a spec and perhaps a mutant.
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { runCLI } from 'jest';
import config from '../../jest.config.mjs';

// As jest's own command does.
process.env.NODE_ENV ??= 'test';
const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const [[pattern, [, options]]] = Object.entries(config.transform);

/** Test time-out, in milliseconds. A mutant that hangs costs this much per spec. */
const TEST_TIMEOUT = 10_000;

/** Milliseconds for which this process has waited for a processor; only Linux counts them. */
function delayed() {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}

async function run({ spec, mutant, counted, skipped }) {
  globalThis.__run = { skipped, keepsGoing: !mutant };
  globalThis.__reached = new Set();
  const changed = {
    ...config,
    rootDir: root,
    roots: ['libs', 'test', 'apps'].map((folder) => `${root}/${folder}`),
    globalSetup: undefined,
    testEnvironment: `${root}/scripts/mutation/environment.mjs`,
    transform: { [pattern]: [`${root}/scripts/mutation/transform.mjs`, { root, options, mutant, counted }] },
    testTimeout: TEST_TIMEOUT,
  };
  const started = performance.now() - delayed();
  const { results } = await runCLI(
    {
      $0: 'jest',
      _: [`${root}/${spec}`],
      config: JSON.stringify(changed),
      runTestsByPath: true,
      runInBand: true,
      silent: true,
      reporters: [],
      maxWorkers: cpus().length,
    },
    [root],
  );
  const tests = results.testResults.flatMap((file) => file.testResults);
  const failed = tests.find((test) => test.status === 'failed');
  const unloaded = results.testResults.find((file) => file.testExecError);
  const message = failed?.failureMessages[0] ?? unloaded?.failureMessage;
  return {
    failed: failed?.fullName ?? (results.success ? undefined : `${spec} does not load`),
    message: message?.slice(0, 500),
    isSyntaxError: !failed && /Syntax Error|SyntaxError/.test(message ?? ''),
    failures: tests.filter((test) => test.status === 'failed').map((test) => test.fullName),
    passed: tests.filter((test) => test.status === 'passed').length,
    // Work of other programs does not count: on a busy machine the same specs are short enough.
    ms: Math.max(1, Math.round(performance.now() - delayed() - started)),
    memory: process.memoryUsage().rss,
    reached: counted ? [...globalThis.__reached] : undefined,
  };
}

// Mutants leave promises behind that nobody handles; the spec's own result decides.
process.on('unhandledRejection', () => undefined);
process.on('disconnect', () => process.exit());
process.on('message', (job) => {
  run(job).then(
    (result) => process.send(result),
    (error) =>
      process.send({ failed: 'jest itself', message: String(error?.stack ?? error), ms: 0, passed: 0 }),
  );
});
