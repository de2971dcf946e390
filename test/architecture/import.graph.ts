import { readFileSync, readdirSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, posix } from 'node:path';
import ts from 'typescript';

/** The imports of each source file: its path from the repository's root, and the specifiers as written. */
export type Imports = ReadonlyMap<string, readonly string[]>;
/** The imports of each source file, resolved: another file's path, `node:…`, or a package's name. */
export type Graph = ReadonlyMap<string, readonly string[]>;

/** Reads the imports, type-only ones too, of every file that is built: specs and helpers for them are not. */
export function readImports(root: string, folders: readonly string[]): Imports {
  return new Map(
    folders
      .flatMap((folder) => sourceFiles(root, folder))
      .map((file) => [file, importsOf(readFileSync(join(root, file), 'utf8'))]),
  );
}

function sourceFiles(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => posix.join(folder, name.replaceAll('\\', '/')))
    .filter((name) => /\.c?ts$/.test(name) && !name.endsWith('.spec.ts'))
    .toSorted();
}

export function importsOf(source: string): string[] {
  return ts.preProcessFile(source, true, true).importedFiles.map(({ fileName }) => fileName);
}

/** `aliases` are tsconfig paths: a specifier, and the file it stands for. */
export function resolveImports(imports: Imports, aliases: Readonly<Record<string, string>>): Graph {
  const resolve = (from: string, specifier: string): string => {
    if (specifier.startsWith('.')) {
      return posix.join(posix.dirname(from), specifier).replace(/\.(c?)js$/, '.$1ts');
    }
    if (aliases[specifier]) return aliases[specifier];
    if (specifier.startsWith('node:')) return specifier;
    if (builtinModules.includes(specifier)) return `node:${specifier}`;
    return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  };
  return new Map([...imports].map(([file, list]) => [file, list.map((name) => resolve(file, name))]));
}

/** Every file and package that can be met from `start`, each with the way that led there. */
export function reachable(graph: Graph, start: string): Map<string, string[]> {
  const ways = new Map([[start, [start]]]);
  for (const [node, way] of ways) {
    for (const next of graph.get(node) ?? []) {
      if (!ways.has(next)) ways.set(next, [...way, next]);
    }
  }
  return ways;
}

/** The strongly connected components that hold a cycle (Tarjan), each as its sorted files. */
export function cycles(graph: Graph): string[][] {
  const index = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];

  const visit = (node: string): number => {
    const own = index.size;
    let lowest = own;
    index.set(node, own);
    stack.push(node);
    for (const next of graph.get(node) ?? []) {
      if (!index.has(next)) lowest = Math.min(lowest, visit(next));
      else if (stack.includes(next)) lowest = Math.min(lowest, index.get(next)!);
    }
    if (lowest === own) {
      const component = stack.splice(stack.indexOf(node));
      if (component.length > 1 || graph.get(node)?.includes(node)) found.push(component.toSorted());
    }
    return lowest;
  };

  for (const node of graph.keys()) {
    if (!index.has(node)) visit(node);
  }
  return found;
}
