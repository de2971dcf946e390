// The time from the start of a process until a server with 200 operations listens: without documents, with those of a contract, and with
// the page. `node bench/start.mjs [rounds]` prints a table of medians; the servers take turns.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile } from '../scripts/packages.mjs';
import { median } from './tables.mjs';

const INTERFACES = 10;
const OPERATIONS = 20;
const GOAL_MS = 20;
const rounds = Number(process.argv[2] ?? 15);
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
try {
  writeFileSync(contract, contractText());
  const rows = Object.entries(cases).map(([title, args]) => ({ title, args, results: [] }));
  for (let round = 0; round < rounds + 1; round++)
    for (const { args, results } of rows) results.push(await start(args));
  // The first round reads files that nothing has read before.
  const all = rows.map(({ results }) => results.slice(1));
  const text = (values) => `${median(values).toFixed(1)} ms`;
  console.log(
    `| ${INTERFACES * OPERATIONS} operations | until it listens | added | CPU | CPU added | goal |`,
  );
  console.log('| --- | ---: | ---: | ---: | ---: | ---: |');
  for (const [i, { title }] of rows.entries()) {
    const of = (member) => all[i].map((result) => result[member]);
    const added = (member) => of(member).map((value, round) => value - all[0][round][member]);
    const goal = `${GOAL_MS} ms ${median(added('listening')) < GOAL_MS ? 'met' : '**not met**'}`;
    const cells = ['listening', 'cpu'].flatMap((name) => [text(of(name)), i === 0 ? '' : text(added(name))]);
    console.log(`| ${[title, ...cells, i === 0 ? '' : goal].join(' | ')} |`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
