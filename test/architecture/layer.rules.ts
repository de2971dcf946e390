import { cycles, reachable, type Graph } from './import.graph.js';

/** Which libraries a library may import; what is not listed is forbidden. */
const allowedLibs: Readonly<Record<string, readonly string[]>> = {
  common: [],
  frontend: ['common'],
  backend: ['common'],
  electron: ['common', 'frontend', 'backend'],
};

/** Libraries that run outside Node as well. */
const withoutNode: readonly string[] = ['common', 'frontend'];

const libOf = (file: string) => /^libs\/([^/]+)\/src\//.exec(file)?.[1];

/** Sentences about imports of a library that leave its layer. `packages` are those its package.json names. */
export function layerViolations(
  graph: Graph,
  packages: Readonly<Record<string, readonly string[]>>,
): string[] {
  const found: string[] = [];
  for (const [file, targets] of graph) {
    const lib = libOf(file);
    if (!lib) continue;
    for (const target of targets) {
      const targetLib = libOf(target);
      const allowed = targetLib
        ? targetLib === lib || allowedLibs[lib]?.includes(targetLib)
        : target.startsWith('node:')
          ? !withoutNode.includes(lib)
          : packages[lib]?.includes(target);
      if (!allowed) found.push(`${file} imports ${target}`);
    }
  }
  return found;
}

const appOf = (file: string) => /^apps\/([^/]+)\//.exec(file)?.[1];

/** Sentences about applications that see more of another than it shares with its clients, in `src/common`. */
export function appViolations(graph: Graph): string[] {
  return [...graph].flatMap(([file, targets]) =>
    targets
      .filter((target) => {
        const [app, other] = [appOf(file), appOf(target)];
        return app && other && app !== other && !target.startsWith(`apps/${other}/src/common/`);
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
