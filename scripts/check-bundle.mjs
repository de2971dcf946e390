// Bundles the libraries as a page would, and fails if it has become too big or holds what is not a page's.
import { gzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const KB = 1024;
const configFile = fileURLToPath(new URL('../apps/robot-world/page/vite.config.mjs', import.meta.url));

/** The parts of the library that a page imports, by name, and the largest size of each. */
const bundles = {
  'RPC client': { names: ['createRpcClient'], limit: 12.7 },
  'RPC client as iTwin.js has it': { names: ['WebRpcManager'], from: '@linnet/common', limit: 13.3 },
  'IPC client': { names: ['IpcFrontend', 'webSocketIpc'], limit: 18.9 },
  'IPC client as iTwin.js has it': { names: ['IpcApp', 'webSocketIpc'], limit: 19.2 },
  'RPC and IPC client': { names: ['createRpcClient', 'IpcFrontend', 'webSocketIpc'], limit: 27.1 },
};

/** Code that a page never needs: packages, least of all `ws`, which belongs to Node, and servers. */
const foreigner = /[\\/]node_modules[\\/]|[\\/](rpc|http|ipc)[\\/]server[\\/]/;

/** The chunks that a page loads at its start: the others are loaded by the first call that needs them. */
function loadedAtStart(output) {
  const byName = new Map(output.map((chunk) => [chunk.fileName, chunk]));
  const names = new Set(output.filter(({ isEntry }) => isEntry).map(({ fileName }) => fileName));
  for (const name of names) for (const each of byName.get(name).imports) names.add(each);
  return [...names].map((name) => byName.get(name));
}

async function bundleOf({ names, from = '@linnet/frontend' }) {
  const entry = '\0entry';
  const code = `export { ${names.join(', ')} } from '${from}';`;
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
      // Its helper belongs to the bundler of an application, and not to the library.
      modulePreload: false,
      rolldownOptions: { input: entry, preserveEntrySignatures: 'strict' },
    },
  });
  const chunks = loadedAtStart(output).map(({ code }) => code);
  const foreign = output.flatMap(({ moduleIds = [] }) => moduleIds.filter((id) => foreigner.test(id)));
  const gzip = gzipSync(chunks.join('\n'), { level: 9 }).length;
  return { minified: chunks.join('').length, gzip, foreign };
}

const kb = (bytes) => `${(bytes / KB).toFixed(1)} KB`;
for (const [name, bundle] of Object.entries(bundles)) {
  const { minified, gzip, foreign } = await bundleOf(bundle);
  const isTooBig = gzip > bundle.limit * KB;
  console.log(`${isTooBig ? 'FAILED' : 'ok    '}  ${name}: ${kb(minified)} minified, ${kb(gzip)} with gzip`);
  if (isTooBig) console.error(`The limit is ${bundle.limit} KB.`);
  for (const file of foreign) console.error(`FAILED  ${name}: ${file} is in it`);
  if (isTooBig || foreign.length > 0) process.exitCode = 1;
}
