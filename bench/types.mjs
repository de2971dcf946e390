// The time of the processor that the compiler takes for 1,000 operations in 50 definitions: without schemas, with them, and as routers of
// tRPC and oRPC. `npm run bench:types -- [--rounds 3] [--write]` prints a table of medians; the cases take turns.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compile } from '../scripts/packages.mjs';
import { writeSection } from './report.mjs';
import { machine, markdown, median } from './tables.mjs';

const DEFINITIONS = 50;
const OPERATIONS = 20;
const GOAL = 2;
const WITH_SCHEMAS = 'with zod schemas';
const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, write: { type: 'boolean', default: false } },
});
const rounds = Number(options.rounds);
const root = new URL('..', import.meta.url).pathname;
compile('libs/common');
const description = machine({ rounds });
// Beside the packages as they are published.
const folder = mkdtempSync(join(root, 'dist', 'types-'));
/** Prints the seconds that a process has taken. */
const meter =
  'process.on("exit", () => { const { user, system } = process.cpuUsage(); process.stderr.write(`${(user + system) / 1e6}`); })';

const operations = Array.from({ length: OPERATIONS }, (_, i) => i);
const each = (write) => operations.map(write).join('\n');

const methods = each(
  (i) => `  abstract op${i}(id: string, count: number): Promise<{ id: string; total${i}: number }>;`,
);
const result = (i) => `z.object({ id: z.string(), total${i}: z.number() })`;
const head = (name) =>
  `  static readonly interfaceName = '${name}';\n  static readonly interfaceVersion = '1.0.0';`;
const client = (name) =>
  `export const use${name} = (client: RpcClient) => client.client(${name}).op0('a', 1).then(({ total0 }) => total0);`;

/** The source of one definition, by case. */
const cases = {
  'without schemas': (name) => `import { z } from 'zod';
import type { RpcClient, RpcOperations } from '@linnet/common';
export const loaded = z.string();
export abstract class ${name} {
${head(name)}
  static readonly operations: RpcOperations<${name}> = {
${each((i) => `    op${i}: {},`)}
  };
${methods}
}
${client(name)}`,
  [WITH_SCHEMAS]: (name) => `import { z } from 'zod';
import { rpcOperations } from '@linnet/common';
import type { RpcClient } from '@linnet/common';
export abstract class ${name} {
${head(name)}
  static readonly operations = rpcOperations<${name}>()({
${each((i) => `    op${i}: { args: [z.string(), z.number()], result: ${result(i)} },`)}
  });
${methods}
}
${client(name)}`,
  tRPC: (name) => `import { initTRPC } from '@trpc/server';
import { z } from 'zod';
const t = initTRPC.create();
export const ${name} = t.router({
${each(
  (i) =>
    `  op${i}: t.procedure.input(z.tuple([z.string(), z.number()])).output(${result(i)}).query(({ input: [id, count] }) => ({ id, total${i}: count })),`,
)}
});
export const use${name} = (caller: ReturnType<typeof ${name}.createCaller>) => caller.op0(['a', 1]).then(({ total0 }) => total0);`,
  oRPC: (name) => `import { createRouterClient, os } from '@orpc/server';
import { z } from 'zod';
export const ${name} = {
${each(
  (i) =>
    `  op${i}: os.input(z.tuple([z.string(), z.number()])).output(${result(i)}).handler(({ input: [id, count] }) => ({ id, total${i}: count })),`,
)}
};
export const use${name} = () => createRouterClient(${name}).op0(['a', 1]).then(({ total0 }) => total0);`,
};

const configuration = {
  extends: '../../../tsconfig.json',
  exclude: [],
  compilerOptions: { noEmit: true, paths: {}, types: [] },
  include: ['./*.ts'],
};

try {
  const rows = Object.entries(cases).map(([title, write], index) => {
    const project = join(folder, String(index));
    mkdirSync(project);
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(configuration));
    for (let i = 0; i < DEFINITIONS; i++) writeFileSync(join(project, `d${i}.ts`), write(`Definition${i}`));
    return { title, project, seconds: [] };
  });
  for (let round = 0; round < rounds; round++)
    for (const row of rows) {
      const tsc = join(root, 'node_modules/typescript/bin/tsc');
      const args = ['--import', `data:text/javascript,${encodeURIComponent(meter)}`, tsc, '-p', row.project];
      const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      if (status !== 0) throw new Error(`${row.title}: ${stdout.slice(0, 2000)}`);
      row.seconds.push(Number(stderr));
    }
  const lines = rows.map(({ title, seconds }) => {
    const ratio = median(seconds.map((value, round) => value / rows[0].seconds[round])).toFixed(2);
    const isGoal = title === WITH_SCHEMAS;
    const goal = isGoal ? `${GOAL} ${Number(ratio) < GOAL ? 'met' : '**not met**'}` : '';
    return [title, median(seconds).toFixed(1), ratio, goal];
  });
  const columns = [`${DEFINITIONS * OPERATIONS} operations`, 'CPU seconds', 'ratio', 'goal'];
  const text = [description, markdown(columns, lines).join('\n')];
  console.log(text.join('\n\n'));
  if (options.write) writeSection('Types', text);
} finally {
  rmSync(folder, { recursive: true });
}
