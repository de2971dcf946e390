// Measures the servers against a raw `node:http` server that does the same work.
//
//   npm run bench -- [--quick] [--only a,c-up] [--servers raw,linnet-express] [--write]
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cases, requestOf } from './cases.mjs';
import { load } from './load.mjs';
import { pinned, serverNames, startServer } from './processes.mjs';
import { machine, summary, table } from './tables.mjs';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    servers: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const full = { rounds: 15, milliseconds: 300, warmUp: 1500, transfers: 3, warmUpTransfers: 3 };
const quick = { rounds: 3, milliseconds: 300, warmUp: 600, transfers: 3, warmUpTransfers: 2 };
const effort = options.quick ? quick : full;

compile();
const chosenCases = chooseCases(options.only?.split(','));
const chosenServers = chooseServers(options.servers?.split(','));
const lines = [machine({ pinned, rounds: effort.rounds })];
const measured = [];
console.log(lines[0]);
for (const one of chosenCases) {
  const results = await measure(one);
  measured.push({ one, results });
  lines.push(table(one, results));
  console.log(`\n${lines.at(-1)}`);
}
if (options.write) write(lines);

/** As `npm run build` does, so that what is measured is what is published. */
function compile() {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const tsc = 'node_modules/typescript/bin/tsc';
  const { status } = spawnSync(process.execPath, [tsc, '-b', 'bench'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}

function chooseCases(ids) {
  const chosen = cases.filter(({ id }) => !ids || ids.includes(id) || ids.includes(id.split('-')[0]));
  if (chosen.length === 0) throw new Error(`--only: one of ${cases.map(({ id }) => id).join(', ')}`);
  return chosen;
}

function chooseServers(names) {
  const unknown = names?.find((name) => !serverNames.includes(name));
  if (unknown !== undefined) throw new Error(`--servers: one of ${serverNames.join(', ')}`);
  // Without the floor there is nothing to compare with.
  return new Set(names ? ['raw', ...names] : serverNames);
}

/** Runs one case on all its servers, in turns: what disturbs the machine for a while disturbs them all. */
async function measure(one) {
  const results = [];
  try {
    for (const row of one.rows.filter(({ server }) => chosenServers.has(server))) {
      // A process for each row: its peak memory and its optimised code are its own.
      const server = await startServer(row.server);
      results.push({ row, server, request: requestOf(one, row, server.port), rounds: [] });
    }
    for (const result of results) await run(one, result, effort.warmUp, effort.warmUpTransfers);
    for (let round = 0; round < effort.rounds; round++) {
      for (const result of results)
        result.rounds.push(await run(one, result, effort.milliseconds, effort.transfers));
    }
    return results;
  } finally {
    await Promise.all(results.map(({ server }) => server.stop()));
  }
}

function run({ transfer, check }, { server, request }, milliseconds, count) {
  const goal = transfer ? { connections: 1, count } : { connections: 32, milliseconds };
  return load(server.port, request, check, goal, () => server.resources());
}

function write(paragraphs) {
  const [description, ...tables] = paragraphs;
  const text = [
    '# Results of `npm run bench -- --write`',
    description,
    '“To raw” is the ratio to a bare `node:http` server doing the same work in the same round. All servers but ' +
      '`controller` get the same bytes of the iTwin.js wire; `controller` is an ordinary Nest controller on ' +
      'JSON, for orientation. (a), (b) and (d): 32 connections, each with one request on its way; ' +
      'goals are lower bounds of the rate. (c): one transfer at a time; goals are upper bounds of CPU time.',
    '`raw-with-nest` is the raw server in a process that has loaded Nest, and uses nothing of it: what its larger ' +
      'heap costs whoever allocates 64 MiB for each request, as (c-up) does.',
    ...tables,
  ];
  writeFileSync(new URL('RESULTS.md', import.meta.url), `${text.join('\n\n')}\n`);
  const readme = new URL('../README.md', import.meta.url);
  const place = /(?<=<!-- bench -->\n)[^]*(?=<!-- \/bench -->)/;
  writeFileSync(
    readme,
    readFileSync(readme, 'utf8').replace(place, () => `${summary(measured)}\n`),
  );
}
