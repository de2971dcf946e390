// How long the compiler takes for 1,000 operations in 50 definitions: without schemas, with them, and as routers of tRPC and oRPC.
// `node bench/types.mjs [rounds]` prints a table. Each figure is the fastest of the rounds.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';

const DEFINITIONS = 50;
const OPERATIONS = 20;
const rounds = Number(process.argv[2] ?? 2);
// Inside the repository, so that packages are found.
const root = new URL('..', import.meta.url).pathname;
const folder = mkdtempSync(join(root, 'bench', '.types-'));

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
  'with zod schemas': (name) => `import { z } from 'zod';
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

const options = {
  extends: '../../../tsconfig.json',
  compilerOptions: { noEmit: true, incremental: false, composite: false, skipLibCheck: true },
  include: ['./*.ts'],
};

try {
  const rows = Object.entries(cases).map(([title, write], index) => {
    const project = join(folder, String(index));
    mkdirSync(project);
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(options));
    for (let i = 0; i < DEFINITIONS; i++) writeFileSync(join(project, `d${i}.ts`), write(`Definition${i}`));
    return { title, project, seconds: Infinity };
  });
  for (let round = 0; round < rounds; round++)
    for (const row of rows) {
      const began = performance.now();
      const { status, stdout } = spawnSync(
        process.execPath,
        [join(root, 'node_modules/typescript/bin/tsc'), '-p', row.project],
        { encoding: 'utf8' },
      );
      if (status !== 0) throw new Error(`${row.title}: ${stdout.slice(0, 2000)}`);
      row.seconds = Math.min(row.seconds, (performance.now() - began) / 1000);
    }
  const base = rows[0].seconds;
  console.log(`| ${DEFINITIONS * OPERATIONS} operations | seconds | ratio |\n| --- | ---: | ---: |`);
  for (const { title, seconds } of rows)
    console.log(`| ${title} | ${seconds.toFixed(1)} | ${(seconds / base).toFixed(2)} |`);
} finally {
  rmSync(folder, { recursive: true });
}
