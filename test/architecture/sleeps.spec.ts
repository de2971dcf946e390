import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { sleepsIn, sleepViolations } from './sleep.rules.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Tests must have fewer sleeps than this, all files together. */
const LIMIT = 40;
/** The one place that polls, and the texts that the rules are tested with. */
const EXEMPT = ['test/harness/waiting.ts', 'test/architecture/sleeps.spec.ts'];

/** Every file of a test that is or will be tracked. */
function testFiles(): Map<string, string> {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', 'libs', 'apps', 'test'];
  const listed = execFileSync('git', args, { cwd: root, encoding: 'utf8' }).split('\0');
  const files = listed.filter(
    (file) => /^test\/.*\.(?:ts|mjs|cjs|cts)$|\.spec\.ts$/.test(file) && !EXEMPT.includes(file),
  );
  return new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]));
}

describe('tests', () => {
  it(`have fewer than ${LIMIT} sleeps, and each one has a comment with its reason`, () => {
    const files = testFiles();
    expect(files.size).toBeGreaterThan(300);
    expect(sleepViolations(files, LIMIT)).toEqual([]);
  });
});

describe('the rules for sleeps', () => {
  const linesOf = (text: string) => sleepsIn('a.ts', text).map(({ line }) => line);
  const reasonsOf = (text: string) => sleepsIn('a.ts', text).map(({ reason }) => reason);

  it.each([
    'setTimeout(done, 5);',
    'await new Promise((resolve) => setTimeout(resolve, 5));',
    'const timer = setInterval(look, 5);',
    'await sleep(5);',
    'await delay(5);',
    'globalThis.setTimeout(done, 5);',
    'await Promise.all([ask(), (sleep)(5)]);',
    'Atomics.wait(cell, 0, 0, 5);',
    'await scheduler.wait(5);',
    'await page.waitForTimeout(5);',
    'class Late { async answer() { await delay(5); } }',
    'const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));',
  ])('find the sleep in %s', (text) => {
    expect(linesOf(text)).toEqual([1]);
  });

  it.each([
    "import { setTimeout as later } from 'node:timers/promises';\nawait later(5);",
    "import { setTimeout as later } from 'timers/promises';\nawait later(5);",
    "import { setInterval as every } from 'node:timers';\nevery(look, 5);",
    "import * as timers from 'node:timers/promises';\nawait timers.setTimeout(5);",
    "import timers from 'node:timers';\ntimers.setTimeout(done, 5);",
    "const { setTimeout: later } = require('node:timers/promises');\nawait later(5);",
    "const { setTimeout: later } = await import('node:timers/promises');\nawait later(5);",
    "const timers = require('node:timers/promises');\nawait timers.setTimeout(5);",
    'const later = setTimeout;\nlater(done, 5);',
    'const later = promisify(setTimeout);\nawait later(5);',
    'const { setTimeout: later } = globalThis;\nlater(done, 5);',
  ])('find the sleep behind the other name in %j', (text) => {
    expect(linesOf(text)).toEqual([2]);
  });

  it.each([
    'jest.setTimeout(60_000);',
    'jest.useFakeTimers();',
    'await client.delay(5);',
    "import { setImmediate as turn } from 'node:timers/promises';\nawait turn();",
    'clearTimeout(timer);',
    "it('waits after sleep(5)', () => undefined);",
    '// await sleep(5);',
    'const timer = 5; // setTimeout(done, 5)',
    'abstract class Flow { delay(ms: number): Promise<void> {} }',
  ])('find no sleep in %j', (text) => {
    expect(linesOf(text)).toEqual([]);
  });

  it.each([
    ['above', '// Sleeps: a heartbeat is real time.\nawait sleep(5);'],
    ['behind', 'await sleep(5); // Sleeps: a heartbeat is real time.'],
    [
      'above, in many lines',
      '// Sleeps: a heartbeat is real time.\n// The peer sends one each second.\nawait sleep(5);',
    ],
    ['above, as a block', '/* Sleeps: a heartbeat is real time. */\nawait sleep(5);'],
  ])('accept a reason that stands %s', (_place, text) => {
    expect(reasonsOf(text)).toEqual(['a heartbeat is real time.']);
  });

  it.each([
    ['is missing', 'await sleep(5);'],
    ['does not begin with the word', '// This sleeps: a heartbeat is real time.\nawait sleep(5);'],
    ['is empty', '// Sleeps: \nawait sleep(5);'],
    ['stands below', 'await sleep(5);\n// Sleeps: a heartbeat is real time.'],
    [
      'stands above another line',
      '// Sleeps: a heartbeat is real time.\nconst five = 5;\nawait sleep(five);',
    ],
    ['stands above an empty line', '// Sleeps: a heartbeat is real time.\n\nawait sleep(5);'],
    ['is a text', "await sleep(5, 'Sleeps: a heartbeat is real time.');"],
  ])('report a sleep whose reason %s', (_fault, text) => {
    expect(sleepViolations(new Map([['a.spec.ts', text]]), LIMIT)).toEqual([
      expect.stringMatching(/^a\.spec\.ts:\d: give the reason/),
    ]);
  });

  it('give one reason to one line only', () => {
    expect(reasonsOf('// Sleeps: a heartbeat.\nawait sleep(5);\nawait sleep(5);')).toEqual([
      'a heartbeat.',
      undefined,
    ]);
  });

  it('count the sleeps of all files against the limit', () => {
    const file = '// Sleeps: a heartbeat.\nawait sleep(5);';
    const files = (count: number) => new Map(Array.from({ length: count }, (_, i) => [`${i}.spec.ts`, file]));
    expect(sleepViolations(files(39), 40)).toEqual([]);
    expect(sleepViolations(files(40), 40)).toEqual([
      'there are 40 sleeps in tests, and the limit is fewer than 40',
    ]);
  });
});
