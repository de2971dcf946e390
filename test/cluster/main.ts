// Frontends in rooms behind nginx, while nodes are killed, restarted and Redis restarts. Fails if a message that its sender was told
// "sent" is lost, repeated or out of order, if a session is neither back nor told, if a call does not settle, or memory stays.
//
//   npm run cluster -- [--frontends 1000] [--rooms 100] [--rate 250] [--seconds 15]
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { hasNginx } from '../harness/nginx.server.js';
import { hasRedis, startRedis } from '../harness/redis.server.js';
import { until } from '../harness/waiting.js';
import { Member } from './member.js';
import { application, ClusterNode, redisOptions, startGateway } from './processes.js';
import type { NodeMemory } from './processes.js';
import { judge, summary } from './verdict.js';

const { values: options } = parseArgs({
  options: {
    /** Frontends in all. */
    frontends: { type: 'string', default: '1000' },
    rooms: { type: 'string', default: '100' },
    /** Messages that are sent to rooms in a second, by all frontends. */
    rate: { type: 'string', default: '250' },
    /** How long each part lasts. */
    seconds: { type: 'string', default: '15' },
  },
});
const [frontends, rooms, rate, seconds] = [
  options.frontends,
  options.rooms,
  options.rate,
  options.seconds,
].map(Number) as [number, number, number, number];
const perRoom = frontends / rooms;

/** How often messages are sent, in milliseconds. */
const TICK_MS = 10;
/** All has arrived after this time without a message, in milliseconds. */
const QUIET_MS = 3000;
/** Frontends that connect at once. */
const AT_ONCE = 20;
/** Heap and buffers of a node may differ by this much after the run, in bytes: code that was compiled meanwhile, and caches. */
const MEMORY_TOLERANCE = 8 * 1024 * 1024;

// The harness has printed which one is missing.
if (!hasRedis || !hasNginx) process.exit();

const start = performance.now();
const log = (text: string) =>
  console.log(`${((performance.now() - start) / 1000).toFixed(1).padStart(6)} s  ${text}`);

const redis = await startRedis(...redisOptions());
const env = { REDIS_URL: redis.url };
const nodes = await Promise.all([1, 2, 3].map(() => ClusterNode.start(application.compiled, env)));
const [killed, rolling, steady] = nodes as [ClusterNode, ClusterNode, ClusterNode];
const gateway = await startGateway(nodes);
const url = `ws://127.0.0.1:${gateway.port}/ipc`;
log(`3 backends, nginx without stickiness, ${frontends} frontends in ${rooms} rooms`);

// A node keeps code and caches after its first sessions, which no session owns.
await close(await open());
await until(async () => (await steady.memory()).sessions === 0);
const before = await steady.memory();

const members = await open();
log(
  `all frontends are in their rooms, ${rate} messages/s to rooms: ${Math.round(rate * perRoom)} deliveries/s`,
);
const end = new AbortController();
let heldBack = 0;
const sending = send();
await pass(1000 * seconds);

const killedFrom = performance.now();
await killed.end('SIGKILL');
log('one backend was killed');
await pass(3000);
await killed.start();
log('another process is in its place');
await pass(1000 * seconds);

const killedTo = performance.now();
await rolling.end('SIGTERM');
log('one backend has ended by SIGTERM');
await rolling.start();
log('another process is in its place');
await pass(1000 * seconds);

await redis.kill();
await redis.restart();
log('Redis was killed and restarted');
await pass(1000 * seconds);

await gateway.restart();
log('nginx was killed and restarted: every connection has broken');
await pass(1000 * seconds);

end.abort();
await sending;
await until(() => members.every(({ sent }) => sent.every(({ outcome }) => outcome !== 'open')), 60_000).catch(
  () => undefined,
);
await quiet();
log('all is sent');
const faults = judge(members, { from: killedFrom, to: killedTo });
const missed = (await Promise.all(nodes.map((node) => node.memory()))).map((each) => each.missed);
await close(members);
await until(async () => (await steady.memory()).sessions === 0).catch(() =>
  faults.push('Sessions are left.'),
);
const after = await steady.memory();
const grown = used(after) - used(before);
if (grown > MEMORY_TOLERANCE) faults.push(`The memory of a backend has grown by ${mebibytes(grown)} MiB.`);

for (const [name, value] of summary(members, { heldBack })) console.log(`${name.padEnd(48)} ${value}`);
console.log(
  `${'memory in use of the backend that lived'.padEnd(48)} ${mebibytes(used(before))} → ${mebibytes(used(after))} MiB`,
);
// One of each is for Redis, which is another process. More are for a backend that was silent for longer than its lease.
console.log(`${'warnings that notifications may be lost'.padEnd(48)} ${missed.join(', ')}`);
for (const fault of faults) console.error(`FAILED  ${fault}`);
if (faults.length === 0) console.log('ok      every message that was sent has arrived once and in order');

await gateway.stop();
await Promise.all(nodes.map((node) => node.end('SIGTERM')));
await redis.stop();
process.exit(faults.length === 0 ? 0 : 1);

/** Lets the load go on. */
function pass(milliseconds: number): Promise<void> {
  // Sleeps: time has to pass for the load, and nothing reports that the last message has arrived everywhere.
  return sleep(milliseconds);
}

/** Opens all frontends, and has them enter their rooms. */
async function open(): Promise<Member[]> {
  const all: Member[] = [];
  for (let id = 0; id < frontends; id++) all.push(new Member(url, id, `room ${id % rooms}`, all));
  const rest = all.values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const member of rest) await member.enter();
    }),
  );
  return all;
}

/** Waits until nothing arrives any more. */
async function quiet(): Promise<void> {
  const arrived = () => members.reduce((sum, { latencies }) => sum + latencies.length, 0);
  for (let before = -1; before !== arrived();) {
    before = arrived();
    await pass(QUIET_MS);
  }
}

async function close(all: readonly Member[]): Promise<void> {
  for (const { frontend } of all) frontend.close();
}

/** Sends at a steady rate, by one member after the other. */
async function send(): Promise<void> {
  const begin = performance.now();
  let sent = 0;
  for (let next = 0; !end.signal.aborted; await pass(TICK_MS)) {
    const due = Math.floor(((performance.now() - begin) / 1000) * rate);
    for (; sent < due; sent++) if (!members[next++ % members.length]!.say()) heldBack++;
  }
}

function used({ heapUsed, external }: NodeMemory): number {
  return heapUsed + external;
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
