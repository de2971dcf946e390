// Opens and closes sessions for some minutes, and fails unless the application ends with the memory it began with.
//
//   npm run soak -- [--minutes 4] [--at-once 32]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compile } from '../../scripts/packages.mjs';
import { load } from './load.mjs';

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '4' },
    'at-once': { type: 'string', default: '32' },
  },
});
const minutes = Number(options.minutes);
const atOnce = Number(options['at-once']);

/**
 * The heap may grow by this much in the second half, after collection. Without a leak it grows by 2 MiB in the
 * first 30,000 frontends, ever more slowly, as code is compiled, and then no more; from half of a run to its end that
 * was 0.3 MiB in a minute, and 0.15 in four. Anything that is kept of a session is more: ten thousand sessions that
 * leave a listener and its closure each, 200 bytes, are 2 MB.
 */
const HEAP_TOLERANCE = 1024 * 1024;
/** And what is outside of it: batches that are kept (1 MiB), and what sockets read last. */
const EXTERNAL_TOLERANCE = 2 * 1024 * 1024;
/** Longer than anything of a session lives on: calls that still run, timers of the heartbeat, connections that close. */
const SETTLE_MS = 3_000;

compile('test/soak');
const child = spawn(
  process.execPath,
  ['--expose-gc', fileURLToPath(new URL('../../dist/soak/main.js', import.meta.url))],
  {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  },
);
const died = once(child, 'exit').then(([code]) => {
  throw new Error(`the application has ended with ${code}`);
});
const [{ port }] = await Promise.race([once(child, 'message'), died]);

const rows = [];
let frontends = 0;
const ROUNDS = 8;
/** The heap is measured against its size after these frontends. */
const WARM_UP = 4;
for (let round = 0; round < ROUNDS; round++) {
  frontends += await Promise.race([load(port, (minutes * 60_000) / ROUNDS, atOnce), died]);
  // Sleeps: timers of ended sessions run out in real time, and nothing reports the last one.
  await sleep(SETTLE_MS);
  const state = await Promise.race([resources(), died]);
  rows.push({ round: round + 1, frontends, ...state });
  console.log(`round ${round + 1} of ${ROUNDS}: ${frontends} frontends, heap ${MiB(state.heapUsed)} MiB`);
}
child.removeAllListeners('exit');
const ended = once(child, 'exit');
child.disconnect();
const [code] = await ended;

console.table(
  rows.map(({ heapUsed, external, rss, ...row }) => ({
    ...row,
    'heap MiB': MiB(heapUsed),
    'external MiB': MiB(external),
    'rss MiB': MiB(rss),
  })),
);
const faults = judge(rows[WARM_UP - 1], rows.at(-1));
if (code !== 0) faults.push(`the application ended with ${code}`);
for (const fault of faults) console.error(`FAILED  ${fault}`);
if (faults.length === 0) console.log('ok      it ended with the memory it began with');
process.exitCode = faults.length === 0 ? 0 : 1;

function judge(before, after) {
  const heap = after.heapUsed - before.heapUsed;
  const external = after.external - before.external;
  const between = after.frontends - before.frontends;
  console.log(
    `${between} frontends between: heap ${sign(heap / 1024)} KiB, external ${sign(external / 1024)} KiB`,
  );
  return [
    heap > HEAP_TOLERANCE &&
      `the heap has grown by ${MiB(heap)} MiB: ${Math.round(heap / between)} bytes a session`,
    external > EXTERNAL_TOLERANCE && `${MiB(external)} MiB more outside of the heap`,
    after.sessions > 0 && `${after.sessions} sessions are still open`,
    after.connections > 0 && `${after.connections} connections are still open`,
    after.made !== after.destroyed && `of ${after.made} scoped handlers ${after.destroyed} were destroyed`,
  ].filter(Boolean);
}

async function resources() {
  const answer = once(child, 'message');
  child.send('resources');
  return (await answer)[0];
}

function MiB(count) {
  return (count / 1024 / 1024).toFixed(2);
}

function sign(count) {
  return `${count < 0 ? '' : '+'}${Math.round(count)}`;
}
