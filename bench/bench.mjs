// Measures the servers against a raw one that does the same work: `node:http` for RPC, `ws` for IPC.
//
//   npm run bench -- [--quick] [--only a,c-up,ipc,stream-down] [--servers linnet-express,ipc-linnet] [--write]
import { parseArgs } from 'node:util';
import { compile } from '../scripts/packages.mjs';
import { requestOf } from './cases.mjs';
import { load } from './load.mjs';
import { pinLoad, pinned, serverNames, startServer } from './processes.mjs';
import { parts, write } from './report.mjs';
import { machine, table } from './tables.mjs';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    servers: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const full = {
  rounds: 11,
  milliseconds: 300,
  warmUp: 1500,
  transfers: 3,
  warmUpTransfers: 3,
  processes: 3,
  mebibytes: 1024,
};
const quick = { ...full, rounds: 3, warmUp: 600, warmUpTransfers: 2, processes: 1, mebibytes: 128 };
const effort = options.quick ? quick : full;
/** With one stream on its way a server does little, and its code is optimised late. */
const PACED_WARM_UP_MS = 8_000;

compile('bench', 'libs/frontend');
const chosenServers = chooseServers(options.servers?.split(','));
const chosenCases = chooseCases(options.only?.split(','));
const description = machine({ pinned, rounds: effort.rounds });
const measured = [];
console.log(description);
for (const one of chosenCases) {
  const results = one.sessions || one.isAlone ? await measureMemory(one) : await measure(one);
  const text = table(one, results, effort);
  measured.push({ one, results, text });
  console.log(`\n${text}`);
  const part = parts.find((each) => each.cases.at(-1) === one);
  if (options.write && part) write(description, part, measured.splice(0));
}

function chooseServers(names) {
  const unknown = names?.find((name) => !serverNames.includes(name));
  if (unknown !== undefined) throw new Error(`--servers: one of ${serverNames.join(', ')}`);
  return new Set(names ?? serverNames);
}

function chooseCases(ids) {
  const all = parts.flatMap((part) => part.cases);
  const named = all.filter(({ id }) => !ids || ids.some((name) => id === name || id.startsWith(`${name}-`)));
  const chosen = named.filter(({ rows }) => rows.some(({ server }) => chosenServers.has(server)));
  // Half a run would take the place of a whole one.
  const isPart = (part) => part.cases.every((one) => chosen.includes(one) || !chosen.includes(part.cases[0]));
  if (options.write && (options.servers || !parts.every(isPart)))
    throw new Error('--write is for whole parts, with all servers: RPC, IPC, streams.');
  if (chosen.length > 0) return chosen;
  throw new Error(`--only: one of ${all.map(({ id }) => id).join(', ')}, with a server it has`);
}

/** The chosen rows, after the first, which is the floor: without it there is nothing to compare with. */
function chooseRows({ rows }) {
  return rows.filter(({ server }, i) => i === 0 || chosenServers.has(server));
}

/** Runs one case on all its servers, in turns: what disturbs the machine for a while disturbs them all. */
async function measure(one) {
  const results = [];
  try {
    for (const row of chooseRows(one)) {
      // A process for each row: its peak memory and its optimised code are its own.
      const server = await startServer(row.server);
      const request = one.run ? undefined : requestOf(one, row, server.port);
      results.push({ row, server, request, rounds: [] });
    }
    const warmUp = one.paced && !options.quick ? PACED_WARM_UP_MS : effort.warmUp;
    for (const result of results) await run(one, result, warmUp, effort.warmUpTransfers);
    for (let round = 0; round < effort.rounds; round++) {
      for (const result of results)
        result.rounds.push(await run(one, result, effort.milliseconds, effort.transfers));
    }
    return results;
  } finally {
    await Promise.all(results.map(({ server }) => server.stop()));
  }
}

/** Memory that was in use once is not given back: each figure has a process of its own. */
async function measureMemory(one) {
  const results = chooseRows(one).map((row) => ({ row, rounds: [] }));
  const isPinned = pinned && !one.isSpread;
  pinLoad(isPinned);
  for (let round = 0; round < effort.processes; round++) {
    for (const { row, rounds } of results) {
      const server = await startServer(row.server, ['--expose-gc'], { isPinned });
      try {
        rounds.push(await one.run(server, row, effort));
      } finally {
        await server.stop();
      }
    }
  }
  pinLoad(true);
  return results;
}

function run(one, { row, server, request }, milliseconds, count) {
  if (one.run) return one.run(server, row, milliseconds, effort);
  const goal = one.transfer ? { connections: 1, count } : { connections: 32, milliseconds };
  return load(server.port, request, one.check, goal, () => server.resources());
}
