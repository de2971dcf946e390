// Measures what observers cost a server: the CPU time of a call with telemetry and with the inspector, as a ratio to none.
//
//   node bench/observers.mjs [rounds] [case,case]
import { IpcFrontend, ipcChannel } from '../dist/node_modules/@linnet/common/dist/index.js';
import { webSocketIpc } from '../dist/node_modules/@linnet/frontend/dist/index.js';
import { compile } from '../scripts/packages.mjs';
import { cases, requestOf } from './cases.mjs';
import { ipcCases } from './ipc-cases.mjs';
import { load } from './load.mjs';
import { startServer } from './processes.mjs';
import { median } from './tables.mjs';

const rounds = Number(process.argv[2] ?? 21);
const only = process.argv[3]?.split(',');
const MILLISECONDS = 600;

/** A case, and the server and the operation that are measured. */
const measured = [
  ['a', 'linnet-express', 'add'],
  ['b', 'linnet-express', 'list'],
  ['ipc-seq', 'ipc-linnet', 'add'],
  ['ipc-256', 'ipc-linnet', 'add'],
];
const variants = {
  none: '',
  'telemetry without SDK': 'no-sdk',
  '1 % sampled': 'sampled',
  'inspector closed': 'inspector',
};

compile('bench', 'libs/frontend');
for (const [id, name, operation] of measured.filter(([id]) => !only || only.includes(id))) {
  const one = [...cases, ...ipcCases].find((each) => each.id === id);
  const row = one.rows.find((each) => each.server === name && (each.operation ?? operation) === operation);
  const servers = [];
  for (const [variant, observer] of Object.entries(variants)) {
    const server = await startServer(name, [], { env: { BENCH_OBSERVER: observer } });
    servers.push({
      variant,
      server,
      request: one.run ? undefined : requestOf(one, row, server.port),
      costs: [],
    });
  }
  // In the same process: two processes of the same program differ more than an inspector costs.
  const closed = servers.at(-1);
  servers.push({ ...closed, variant: 'inspector open', costs: [] });
  const run = ({ server, request }, milliseconds) =>
    one.run
      ? one.run(server, row, milliseconds)
      : load(server.port, request, one.check, { connections: 32, milliseconds }, () => server.resources());
  for (const each of servers) await run(each, 1500);
  for (let round = 0; round < rounds; round++)
    for (const each of servers) {
      const close = each.variant === 'inspector open' ? await openInspector(each.server.port) : undefined;
      // The inspector follows a part of many calls, and finds it in its first second.
      if (close) await run(each, 1500);
      const result = await run(each, MILLISECONDS);
      await close?.();
      each.costs.push(result.cpuMicros / (result.requests ?? result.calls));
    }
  const [none] = servers;
  for (const { variant, costs } of servers) {
    // Round by round: a busy machine slows all of them down for a while.
    const base = variant === 'inspector open' ? closed : none;
    const ratio = median(costs.map((cost, round) => cost / base.costs[round]));
    console.log(`${id}\t${variant}\t${median(costs).toFixed(2)} µs\t${ratio.toFixed(3)}`);
  }
  await Promise.all([...new Set(servers.map(({ server }) => server))].map((server) => server.stop()));
}
process.exit(0);

/** Does what the page does. @returns a function that ends it */
async function openInspector(port) {
  const channel = ipcChannel('linnet.inspector', {
    methods: { watch: { stream: true }, tail: { stream: true } },
  });
  const frontend = new IpcFrontend(webSocketIpc(`ws://127.0.0.1:${port}/inspector/ipc`), {
    reconnect: false,
  });
  const inspector = frontend.makeIpcProxy(channel);
  await frontend.ready;
  void (async () => {
    for await (const _overview of inspector.watch()) await inspector.calls('');
  })().catch(() => undefined);
  void (async () => {
    for await (const _batch of inspector.tail(''));
  })().catch(() => undefined);
  return async () => {
    frontend.close();
    // The server notices it.
    await new Promise((resolve) => setTimeout(resolve, 100));
  };
}
