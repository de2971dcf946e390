// Measures what an open inspector costs a backend that has 10,000 sessions and answers 10,000 calls a second.
//
//   node bench/inspector.mjs [rounds]
import { setTimeout as sleep } from 'node:timers/promises';
import { compile } from '../scripts/packages.mjs';
import { Client } from './ipc-client.mjs';
import { addition, wires } from './ipc-wires.mjs';
import { measured } from './ipc-load.mjs';
import { startServer } from './processes.mjs';
import { median } from './tables.mjs';

const rounds = Number(process.argv[2] ?? 9);
const SESSIONS = 10_000;
/** Sessions that call. */
const ACTIVE = 50;
const PER_SECOND = 10_000;
const MILLISECONDS = 3000;
const TURN_MS = 5;

compile('bench', 'libs/frontend');
// Compiled only now.
const { openInspector } = await import('./open-inspector.mjs');
const name = 'ipc-linnet-durable';
const env = { BENCH_OBSERVER: 'inspector', BENCH_SESSIONS: String(SESSIONS - ACTIVE) };
const server = await startServer(name, [], { env });
const call = addition(wires[name], 'add');
const clients = await Promise.all(
  Array.from({ length: ACTIVE }, () => Client.open(server.port, wires[name])),
);
for (const client of clients)
  client.onFrame = (frame, isBinary) => client.received(call.answers(frame, isBinary) ?? 0);

let n = 0;
/** Calls at an even rate. @returns how many */
async function pacedCalls(milliseconds) {
  const start = performance.now();
  let sent = 0;
  for (let now = start; now - start < milliseconds; now = performance.now()) {
    for (const due = ((now - start) / 1000) * PER_SECOND; sent < due; sent++)
      clients[n % clients.length].send(call.text(n++));
    await sleep(TURN_MS);
  }
  return sent;
}

const run = () => measured(server, () => pacedCalls(MILLISECONDS));
await pacedCalls(5000);
const ratios = [];
const costs = [[], []];
for (let round = 0; round < rounds; round++) {
  const closed = await run();
  const close = await openInspector(server.port);
  await pacedCalls(MILLISECONDS);
  const open = await run();
  await close();
  const each = [closed, open].map(({ cpuMicros, requests }) => cpuMicros / requests);
  each.forEach((cost, i) => costs[i].push(cost));
  ratios.push(each[1] / each[0]);
}
const share = (cost) => `${((cost * PER_SECOND) / 10_000).toFixed(1)} %`;
const [closed, open] = costs.map(median);
console.log(
  `closed ${share(closed)} of a processor, open ${share(open)}, ratio ${median(ratios).toFixed(3)}`,
);
await server.stop();
process.exit(0);
