// The time from the start of a process until a server with 200 operations listens: without documents, with those of a contract, and with
// the page. `npm run bench:start -- [--rounds 15] [--write]` prints a table of medians; the servers take turns.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compile } from '../scripts/packages.mjs';
import { writeSection } from './report.mjs';
import { machine, markdown, median } from './tables.mjs';

const INTERFACES = 10;
const OPERATIONS = 20;
const GOAL_MS = 20;
const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '15' }, write: { type: 'boolean', default: false } },
});
const rounds = Number(options.rounds);
const folder = mkdtempSync(join(tmpdir(), 'linnet-start-'));
const contract = join(folder, 'contract.json');

/** A contract as the command writes it: with doc comments, and schemas that several operations share. */
function contractText() {
  const article = {
    type: 'object',
    properties: { id: { type: 'string', description: 'As on its label.' }, count: { type: 'number' } },
    required: ['id'],
  };
  const operation = (i) => ({
    description: `Finds article ${i}. The second sentence says which of them, and where they are.`,
    parameters: [
      { name: 'id', description: 'as on its label', schema: { type: 'string' } },
      { name: 'options', optional: true, schema: { $ref: '#/$defs/Article' } },
    ],
    result: { $ref: '#/$defs/Article' },
    errors: { NotEnough: { type: 'object', properties: { left: { type: 'number' } }, required: ['left'] } },
  });
  const named = (count, name, make) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`${name}${i}`, make(i)]));
  const interfaces = named(INTERFACES, 'Start', () => ({
    version: '1.0.0',
    operations: named(OPERATIONS, 'op', operation),
  }));
  return JSON.stringify(
    { linnetContract: 1, interfaces, channels: {}, $defs: { Article: article } },
    null,
    2,
  );
}

/** The lower quartile, because other programs only add to it. */
const usualCpu = (results) => results.map(({ cpu }) => cpu).toSorted((a, b) => a - b)[results.length >> 2];

/** @returns milliseconds until the server listens, and of the processor */
async function start(args) {
  const child = fork(new URL('../dist/bench/start.server.js', import.meta.url), args, {
    env: { ...process.env, NODE_ENV: 'production' },
  });
  const [{ listening, cpu, paths }] = await once(child, 'message');
  await once(child, 'exit');
  if (args.length > 0 && paths !== INTERFACES * OPERATIONS)
    throw new Error(`The document has ${paths} paths.`);
  return { listening, cpu };
}

const cases = {
  'without documents': [],
  'with a contract': ['contract', contract],
  'with a contract and the page': ['page', contract],
};

compile('bench');
const description = machine({ rounds });
try {
  writeFileSync(contract, contractText());
  const rows = Object.entries(cases).map(([title, args]) => ({ title, args, results: [] }));
  for (let round = 0; round < rounds + 1; round++)
    for (const { args, results } of rows) results.push(await start(args));
  // The first round reads files that nothing has read before.
  const all = rows.map(({ results }) => results.slice(1));
  const milliseconds = (value) => `${value.toFixed(1)} ms`;
  const lines = rows.map(({ title }, i) => {
    const listening = all[i].map((result) => result.listening);
    const cpu = usualCpu(all[i]);
    if (i === 0) return [title, milliseconds(median(listening)), '', milliseconds(cpu), '', ''];
    const later = median(listening.map((value, round) => value - all[0][round].listening));
    const added = cpu - usualCpu(all[0]);
    // The goal is about the contract.
    const goal = i === 1 ? `${GOAL_MS} ms ${later < GOAL_MS ? 'met' : '**not met**'}` : '';
    return [title].concat([median(listening), later, cpu, added].map(milliseconds), goal);
  });
  const columns = [
    `${INTERFACES * OPERATIONS} operations`,
    'until it listens',
    'added',
    'CPU',
    'CPU added',
    'goal',
  ];
  const text = [
    `${description} CPU: the lower quartile of the rounds, because other programs only add to it.`,
    markdown(columns, lines).join('\n'),
  ];
  console.log(text.join('\n\n'));
  if (options.write) writeSection('Start with a contract', text);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
