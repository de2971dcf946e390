// Bundles the frontend library as a page would, and fails if it has become too big or holds other packages.
import { gzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const KB = 1024;
const LIMIT_KB = 15;
const configFile = fileURLToPath(new URL('../apps/robot-world/page/vite.config.mjs', import.meta.url));

/** What a page uses of the library, by name. */
const bundles = {
  'RPC client': ['createRpcClient'],
  'IPC client': ['IpcApp', 'webSocketIpc'],
  'RPC and IPC client': ['createRpcClient', 'IpcApp', 'webSocketIpc'],
};

async function bundleOf(names) {
  const entry = '\0entry';
  const code = `export { ${names.join(', ')} } from '@linnet/frontend';`;
  const plugin = {
    name: 'entry',
    resolveId: (id) => (id === entry ? id : undefined),
    load: (id) => (id === entry ? code : undefined),
  };
  const { output } = await build({
    configFile,
    plugins: [plugin],
    build: {
      write: false,
      minify: true,
      rolldownOptions: { input: entry, preserveEntrySignatures: 'strict' },
    },
  });
  const chunks = output.map((chunk) => chunk.code ?? '');
  const foreign = output.flatMap(({ moduleIds = [] }) =>
    moduleIds.filter((id) => /[\\/]node_modules[\\/]/.test(id)),
  );
  const gzip = gzipSync(chunks.join('\n'), { level: 9 }).length;
  return { minified: chunks.join('').length, gzip, foreign };
}

const kb = (bytes) => `${(bytes / KB).toFixed(1)} KB`;
for (const [name, names] of Object.entries(bundles)) {
  const { minified, gzip, foreign } = await bundleOf(names);
  const isTooBig = gzip > LIMIT_KB * KB;
  console.log(`${isTooBig ? 'FAILED' : 'ok    '}  ${name}: ${kb(minified)} minified, ${kb(gzip)} with gzip`);
  if (isTooBig) console.error(`The limit is ${LIMIT_KB} KB.`);
  // Least of all `ws`, which is Node's.
  for (const file of foreign) console.error(`FAILED  ${name}: ${file} is in it`);
  if (isTooBig || foreign.length > 0) process.exitCode = 1;
}
