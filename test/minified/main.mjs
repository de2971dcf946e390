// Bundles and minifies a server as applications do, runs it until its standard input ends, and writes its ports.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'rolldown';

const root = fileURLToPath(new URL('../..', import.meta.url));
const dir = await mkdtemp(join(tmpdir(), 'linnet-minified-'));
try {
  await build({
    input: fileURLToPath(new URL('server.ts', import.meta.url)),
    cwd: root,
    platform: 'node',
    tsconfig: join(root, 'tsconfig.json'),
    logLevel: 'silent',
    output: { dir, format: 'esm', minify: true, codeSplitting: false, entryFileNames: 'server.mjs' },
  });
  const { names, start } = await import(pathToFileURL(join(dir, 'server.mjs')).href);
  const servers = {};
  for (const adapter of ['stock', 'linnet'])
    for (const cors of ['none', 'enableCors', 'cors()'])
      servers[`${adapter} ${cors}`] = await start(adapter, cors);
  const ports = Object.entries(servers).map(([name, { port }]) => [name, port]);
  console.log(JSON.stringify({ names, ports: Object.fromEntries(ports) }));
  for await (const _ of process.stdin);
  for (const { stop } of Object.values(servers)) await stop();
} finally {
  await rm(dir, { recursive: true, force: true });
}
