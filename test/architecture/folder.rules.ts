import { posix } from 'node:path';
import type { Graph } from './import.graph.js';

/**
 * The folders of each library, and the folders that each may import from. Lower folders stand first. A folder that is not
 * listed here, an import that is not listed, and an entry that nothing uses are all reported.
 */
export const folders: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  common: {
    base: [],
    bytes: ['base'],
    error: ['base'],
    value: ['base', 'bytes', 'error'],
    stream: ['base', 'value'],
    schema: ['base'],
    contract: ['base', 'schema'],
    call: ['base', 'error', 'schema', 'stream'],
    telemetry: ['base', 'error', 'ipc/channel'],
    'rpc/definition': ['base', 'call', 'schema'],
    'ipc/channel': ['base', 'call', 'schema', 'stream'],
    'ipc/message': ['base', 'bytes', 'error', 'ipc/channel', 'value'],
    'ipc/wire/compatible': ['base', 'ipc/channel', 'ipc/message', 'value'],
    'ipc/wire/durable': ['base', 'bytes', 'ipc/channel', 'ipc/message', 'value'],
    'ipc/wire': ['ipc/channel', 'ipc/message', 'ipc/wire/compatible', 'ipc/wire/durable'],
    'ipc/stream': ['base', 'error', 'ipc/message', 'stream', 'value'],
    'ipc/client': [
      'base',
      'error',
      'ipc/channel',
      'ipc/message',
      'ipc/stream',
      'ipc/wire',
      'ipc/wire/durable',
      'stream',
    ],
    'ipc/dispatcher': [
      'base',
      'call',
      'error',
      'ipc/channel',
      'ipc/message',
      'ipc/stream',
      'stream',
      'value',
    ],
    'ipc/server': [
      'base',
      'bytes',
      'call',
      'error',
      'ipc/channel',
      'ipc/dispatcher',
      'ipc/message',
      'ipc/wire',
      'ipc/wire/durable',
      'value',
    ],
    'ipc/replica': [
      'base',
      'bytes',
      'ipc/dispatcher',
      'ipc/message',
      'ipc/server',
      'ipc/wire/durable',
      'value',
    ],
    'ipc/resume': [
      'base',
      'bytes',
      'ipc/channel',
      'ipc/dispatcher',
      'ipc/message',
      'ipc/replica',
      'ipc/server',
      'ipc/wire',
      'ipc/wire/durable',
      'value',
    ],
    'ipc/node': [
      'base',
      'bytes',
      'call',
      'error',
      'ipc/channel',
      'ipc/dispatcher',
      'ipc/message',
      'ipc/resume',
      'value',
    ],
    'ipc/rooms': [
      'base',
      'call',
      'error',
      'ipc/channel',
      'ipc/dispatcher',
      'ipc/message',
      'ipc/node',
      'ipc/replica',
      'ipc/resume',
      'ipc/server',
      'ipc/wire',
    ],
    'ipc/transport': ['base', 'ipc/channel', 'ipc/message', 'ipc/server', 'ipc/wire'],
    'rpc/client': ['base', 'call', 'error', 'rpc/definition', 'stream'],
    'rpc/server': ['base', 'bytes', 'call', 'error', 'ipc/channel', 'rpc/definition', 'stream', 'value'],
    'http/protocol': ['base', 'bytes', 'call', 'error', 'rpc/definition', 'rpc/server', 'stream', 'value'],
    'http/client': [
      'base',
      'bytes',
      'error',
      'http/protocol',
      'rpc/client',
      'rpc/definition',
      'stream',
      'value',
    ],
    'http/call': ['base', 'bytes', 'call', 'error', 'http/protocol', 'rpc/server', 'stream', 'value'],
    'http/server': [
      'base',
      'bytes',
      'call',
      'error',
      'http/call',
      'http/protocol',
      'rpc/definition',
      'rpc/server',
      'stream',
    ],
    'http/memory': ['base', 'bytes', 'http/call', 'http/client', 'http/protocol', 'http/server', 'stream'],
    'rpc-over-ipc': [
      'base',
      'bytes',
      'call',
      'error',
      'ipc/channel',
      'ipc/client',
      'ipc/dispatcher',
      'rpc/client',
      'rpc/server',
      'stream',
      'value',
    ],
  },
  backend: {
    call: [],
    'node/http': [],
    'node/itwin': ['call'],
    'node/rpc': ['call', 'node/http'],
    'node/ipc': ['call', 'node/http', 'node/rpc'],
    'node/cluster': [],
    'nest/internals': [],
    'nest/logging': [],
    'nest/message': [],
    'nest/explorer': ['nest/internals'],
    'nest/context': ['call'],
    'nest/errors': ['call', 'nest/internals', 'nest/logging'],
    'nest/params': ['nest/internals', 'nest/logging'],
    'nest/pipeline': ['call', 'nest/errors', 'nest/internals', 'nest/logging', 'nest/message', 'nest/params'],
    http: ['nest/internals', 'node/http'],
    rpc: [
      'call',
      'http',
      'nest/errors',
      'nest/explorer',
      'nest/internals',
      'nest/logging',
      'nest/params',
      'nest/pipeline',
      'node/http',
      'node/rpc',
    ],
    'rpc/client': ['call', 'node/rpc', 'rpc'],
    itwin: ['node/itwin', 'rpc'],
    'ipc/host': ['call', 'nest/context', 'nest/errors', 'nest/explorer', 'nest/internals', 'nest/logging'],
    'ipc/handlers': [
      'ipc/host',
      'nest/explorer',
      'nest/internals',
      'nest/logging',
      'nest/params',
      'nest/pipeline',
    ],
    'ipc/gateway': [
      'call',
      'http',
      'ipc/handlers',
      'ipc/host',
      'nest/errors',
      'nest/internals',
      'nest/logging',
      'nest/pipeline',
      'node/http',
      'node/ipc',
    ],
    'ipc/module': [
      'ipc/gateway',
      'ipc/handlers',
      'ipc/host',
      'nest/errors',
      'nest/internals',
      'nest/logging',
      'nest/message',
      'rpc',
    ],
    health: ['http', 'ipc/host', 'nest/logging'],
    testing: ['ipc/host', 'rpc'],
  },
  cli: {
    read: [],
    lock: [],
    command: ['lock', 'read'],
    '.': ['command'],
  },
  nats: { backplane: ['connection', 'message'], connection: [], message: [], rpc: ['connection', 'message'] },
  frontend: { '.': [] },
  redis: { '.': [] },
  inspector: {
    channel: [],
    record: ['channel'],
    others: ['channel', 'record'],
    view: ['channel', 'record'],
    '.': ['channel', 'others', 'record', 'view'],
  },
  electron: {
    '.': [],
    renderer: ['.'],
    'main/electron': [],
    'main/frame': ['.', 'main/electron'],
    'main/itwin': ['main/electron', 'main/frame'],
    'main/window': ['.', 'main/electron'],
    main: ['main/electron', 'main/frame', 'main/itwin', 'main/window'],
  },
};

/** The folder of a file: its library, and its folder below `src`. */
function folderOf(file: string): { lib: string; folder: string } | undefined {
  const [, lib, path] = /^libs\/([^/]+)\/src\/(.*)$/.exec(file) ?? [];
  return lib === undefined ? undefined : { lib, folder: posix.dirname(path!) };
}

/** Imports from one folder of a library into another, as `folder → folder`. Entries of packages import from every folder. */
function crossings(graph: Graph, entries: readonly string[], lib: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [file, targets] of graph) {
    const from = folderOf(file);
    if (from?.lib !== lib || entries.includes(file)) continue;
    for (const target of targets) {
      const to = folderOf(target);
      if (to?.lib === lib && to.folder !== from.folder)
        found.set(`${from.folder} → ${to.folder}`, `${file} imports ${target}`);
    }
  }
  return found;
}

/** Folders that the table lacks, imports that it does not allow, and lines of it that nothing uses. */
export function folderViolations(graph: Graph, entries: readonly string[], table = folders): string[] {
  return Object.entries(table).flatMap(([lib, allowed]) => {
    const files = [...graph.keys()].filter((file) => folderOf(file)?.lib === lib && !entries.includes(file));
    const present = new Set(files.map((file) => folderOf(file)!.folder));
    const found = crossings(graph, entries, lib);
    const listed = new Set(
      Object.entries(allowed).flatMap(([from, list]) => list.map((to) => `${from} → ${to}`)),
    );
    const unlisted = [...present].filter((folder) => !(folder in allowed));
    const empty = Object.keys(allowed).filter((folder) => !present.has(folder));
    const unused = [...listed].filter((pair) => !found.has(pair));
    return [
      unlisted.map((folder) => `${lib}/${folder} is not in the table`),
      empty.map((folder) => `${lib}/${folder} is in the table and has no files`),
      [...found].filter(([pair]) => !listed.has(pair)).map(([, sentence]) => sentence),
      unused.map((pair) => `${lib}: nothing needs ${pair}`),
    ].flat();
  });
}

/** Cycles among the folders of a table, each as the way round. A pair that imports both ways is the shortest. */
export function folderCycles(table: Readonly<Record<string, readonly string[]>>): string[] {
  const found: string[] = [];
  const visit = (folder: string, way: readonly string[]): void => {
    const start = way.indexOf(folder);
    if (start >= 0) found.push([...way.slice(start), folder].join(' → '));
    else for (const next of table[folder] ?? []) visit(next, [...way, folder]);
  };
  for (const folder of Object.keys(table)) visit(folder, []);
  // Each cycle is met from each of its folders: one of them stands for it.
  return found.filter((way) => way.split(' → ').every((folder) => folder >= way.split(' → ')[0]!));
}
