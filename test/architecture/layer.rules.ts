import { cycles, reachable, type Graph } from './import.graph.js';

/** Which libraries a library may import; what is not listed is forbidden. */
const allowedLibs: Readonly<Record<string, readonly string[]>> = {
  common: [],
  frontend: ['common'],
  redis: ['common'],
  backend: ['common'],
  cli: ['common'],
  nats: ['common'],
  inspector: ['common', 'backend', 'frontend'],
  // Three processes, which share types alone.
  electron: [],
  'electron/main': ['common', 'backend', 'electron'],
  'electron/renderer': ['common', 'frontend', 'electron'],
  'electron/preload': ['electron'],
};

/** Libraries that run outside Node as well. */
const withoutNode: readonly string[] = [
  'common',
  'frontend',
  'electron',
  'electron/renderer',
  'electron/preload',
];

const libOf = (file: string) => /^libs\/([^/]+)\/src\//.exec(file)?.[1];

/** The packages that a part of a library may import, out of those that the library names. */
const ownPackages: Readonly<Record<string, readonly string[]>> = {
  electron: [],
  'electron/renderer': [],
  'electron/preload': ['electron'],
};

/** A library; of one that runs in several processes the part that is for one of them. */
function layerOf(file: string): string | undefined {
  const [, lib, folder] = /^libs\/([^/]+)\/src\/(?:([^/]+)\/)?/.exec(file) ?? [];
  const part = `${lib}/${folder}`;
  return part in allowedLibs ? part : lib;
}

/** Sentences about imports of a library that leave its layer. `packages` are those its package.json names. */
export function layerViolations(
  graph: Graph,
  packages: Readonly<Record<string, readonly string[]>>,
): string[] {
  const found: string[] = [];
  for (const [file, targets] of graph) {
    const layer = layerOf(file);
    if (!layer) continue;
    for (const target of targets) {
      const targetLayer = layerOf(target);
      const allowed = targetLayer
        ? targetLayer === layer || allowedLibs[layer]?.includes(targetLayer)
        : target.startsWith('node:')
          ? !withoutNode.includes(layer)
          : (ownPackages[layer] ?? packages[libOf(file)!])?.includes(target);
      if (!allowed) found.push(`${file} imports ${target}`);
    }
  }
  return found;
}

const appOf = (file: string) => /^apps\/([^/]+)\//.exec(file)?.[1];

/** `robot-world-desktop` is `robot-world` in another shell. */
const isShellOf = (app: string, other: string) => app.startsWith(`${other}-`);

/** Sentences about applications that see more of another than it shares with its clients, in `src/common`. */
export function appViolations(graph: Graph): string[] {
  return [...graph].flatMap(([file, targets]) =>
    targets
      .filter((target) => {
        const [app, other] = [appOf(file), appOf(target)];
        if (!app || !other || app === other || isShellOf(app, other)) return false;
        return !target.startsWith(`apps/${other}/src/common/`);
      })
      .map((target) => `${file} imports ${target}`),
  );
}

/** Sentences about files that import an entry of their own library: the entry is for others. */
export function ownEntryViolations(graph: Graph, entries: readonly string[]): string[] {
  return [...graph].flatMap(([file, targets]) =>
    targets
      .filter(
        (target) => entries.includes(target) && libOf(target) === libOf(file) && !entries.includes(file),
      )
      .map((target) => `${file} imports ${target}`),
  );
}

/** Sentences about files from which Nest is met, with the way that leads there. */
export function nestViolations(graph: Graph, starts: readonly string[]): string[] {
  return starts.flatMap((start) =>
    [...reachable(graph, start)]
      .filter(([target]) => target.startsWith('@nestjs/'))
      .map(([, way]) => way.join(' → ')),
  );
}

export function cycleViolations(graph: Graph): string[] {
  return cycles(graph).map((files) => files.join(' ⇄ '));
}

/** Sentences about files that are longer than `limit`, and about exceptions that are needed no more. */
export function lengthViolations(
  lengths: ReadonlyMap<string, number>,
  limit: number,
  exceptions: Readonly<Record<string, string>>,
): string[] {
  const long = [...lengths].filter(([, length]) => length > limit);
  return [
    ...long
      .filter(([file]) => !exceptions[file])
      .map(([file, length]) => `${file} has ${length} lines: it is probably two things`),
    ...Object.keys(exceptions)
      .filter((file) => !long.some(([name]) => name === file))
      .map((file) => `${file} is no longer over ${limit} lines: take its exception out`),
  ];
}
