// Measures what observers cost a server: the CPU time of a call with telemetry and with the inspector, as a ratio to none.
//
//   node bench/observers.mjs [generations] [case,case] [variant,variant]
import { compile } from '../scripts/packages.mjs';
import { cases, requestOf } from './cases.mjs';
import { ipcCases } from './ipc-cases.mjs';
import { load } from './load.mjs';
import { startServer } from './processes.mjs';
import { median } from './tables.mjs';

const generations = Number(process.argv[2] ?? 7);
const [onlyCases, onlyVariants] = process.argv.slice(3).map((list) => list.split(',').filter(Boolean));
const ROUNDS = 5;
const MILLISECONDS = 500;

/** A case, and the server and the operation that are measured. */
const measured = [
  ['a', 'linnet-express', 'add'],
  ['b', 'linnet-express', 'list'],
  ['c-down', 'linnet-express', 'download'],
  ['c-up', 'linnet-express', 'upload'],
  ['ipc-seq', 'ipc-linnet', 'add'],
  ['ipc-256', 'ipc-linnet', 'add'],
  ['ipc-push', 'ipc-linnet', 'push'],
  ['ipc-echo', 'ipc-linnet', 'echo'],
];
/** The first one is compared with itself in another process, which shows how exact the others are. */
const variants = {
  none: '',
  'none again': '',
  'telemetry without SDK': 'no-sdk',
  '1 % sampled': 'sampled',
  '1 % by sampleRatio': 'ratio',
  'inspector closed': 'inspector',
};

compile('bench', 'libs/frontend');
// Compiled only now.
const { openInspector } = await import('./open-inspector.mjs');
for (const [id, name, operation] of measured.filter(([id]) => !onlyCases?.length || onlyCases.includes(id))) {
  const one = [...cases, ...ipcCases].find((each) => each.id === id);
  const row = one.rows.find((each) => each.server === name && (each.operation ?? operation) === operation);
  const ratios = new Map();
  const costs = new Map();
  // Two processes of the same program differ by up to a tenth, so that many of them are compared.
  for (let i = 0; i < generations; i++)
    for (const { variant, ratio, cost } of await generation(one, row, name)) {
      ratios.set(variant, [...(ratios.get(variant) ?? []), ratio]);
      costs.set(variant, [...(costs.get(variant) ?? []), cost]);
    }
  for (const [variant, all] of ratios) {
    const sorted = all.toSorted((a, b) => a - b);
    const range = `${sorted[0].toFixed(3)} to ${sorted.at(-1).toFixed(3)}`;
    console.log(
      `${id}\t${variant}\t${median(costs.get(variant)).toFixed(2)} µs\t${median(all).toFixed(3)}\t${range}`,
    );
  }
}
process.exit(0);

/** Starts a server for each variant, and lets them take turns. @returns the median cost of each, and its ratio to none */
async function generation(one, row, name) {
  const servers = [];
  for (const [variant, observer] of Object.entries(variants)) {
    if (variant !== 'none' && onlyVariants && !onlyVariants.some((each) => variant.includes(each))) continue;
    const server = await startServer(name, [], { env: { BENCH_OBSERVER: observer } });
    const request = one.run ? undefined : requestOf(one, row, server.port);
    servers.push({ variant, server, request, costs: [] });
  }
  // In the same process: two processes of the same program differ more than an inspector costs.
  const closed = servers.find(({ variant }) => variant === 'inspector closed');
  if (closed) servers.push({ ...closed, variant: 'inspector open', costs: [] });
  const run = ({ server, request }, milliseconds) =>
    one.run
      ? one.run(server, row, milliseconds)
      : load(server.port, request, one.check, { connections: one.transfer ? 1 : 32, milliseconds }, () =>
          server.resources(),
        );
  for (const each of servers) await run(each, 4000);
  for (let round = 0; round < ROUNDS; round++)
    // Each one is first in some rounds.
    for (const each of [...servers.slice(round), ...servers.slice(0, round)]) {
      const close = each.variant === 'inspector open' ? await openInspector(each.server.port) : undefined;
      // The inspector follows a part of many calls, and finds it in its first second.
      if (close) await run(each, 1500);
      const result = await run(each, MILLISECONDS);
      await close?.();
      each.costs[round] = result.cpuMicros / (result.requests ?? result.calls);
    }
  await Promise.all([...new Set(servers.map(({ server }) => server))].map((server) => server.stop()));
  return servers.map(({ variant, costs }) => {
    const base = variant === 'inspector open' ? closed : servers[0];
    // Round by round: a busy machine slows all of them down for a while.
    return { variant, cost: median(costs), ratio: median(costs.map((cost, i) => cost / base.costs[i])) };
  });
}
