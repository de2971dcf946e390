import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { importsOf, readImports, resolveImports } from './import.graph.js';
import {
  appViolations,
  cycleViolations,
  layerViolations,
  lengthViolations,
  nestViolations,
  ownEntryViolations,
} from './layer.rules.js';
import { folderCycles, folderViolations, folders } from './folder.rules.js';

const LINE_LIMIT = 300;
/** Files that are over the limit, each with the reason. */
const LONG_FILES: Record<string, string> = {
  'libs/common/src/error/status.table.ts': 'a generated table',
};

const root = fileURLToPath(new URL('../..', import.meta.url));
const readJson = (file: string) =>
  ts.parseConfigFileTextToJson(file, readFileSync(join(root, file), 'utf8')).config;

const libs = readdirSync(join(root, 'libs')).filter((name) =>
  existsSync(join(root, 'libs', name, 'package.json')),
);
const apps = readdirSync(join(root, 'apps')).filter((name) => existsSync(join(root, 'apps', name, 'src')));
const aliases = Object.fromEntries(
  Object.entries<string[]>(readJson('tsconfig.json').compilerOptions.paths)
    .map(([name, [file]]) => [name, file!.replace(/^\.\//, '')] as const)
    // An alias into `test` stands for a package of others that is not installed.
    .filter(([, file]) => file.startsWith('libs/')),
);
// A name with `#` is an import of the package itself, by condition another file. It is not an entry.
const entries = Object.keys(aliases).flatMap((name) => (name.startsWith('#') ? [] : aliases[name]!));
const packages = Object.fromEntries(
  libs.map((lib) => {
    const { dependencies, peerDependencies } = readJson(`libs/${lib}/package.json`);
    return [lib, Object.keys({ ...dependencies, ...peerDependencies })];
  }),
);

const imports = readImports(root, [
  ...libs.map((lib) => `libs/${lib}/src`),
  ...apps.map((app) => `apps/${app}/src`),
]);
const graph = resolveImports(imports, aliases);
const files = [...graph.keys()];

describe('the layers', () => {
  it('are read from every entry and every application', () => {
    expect(entries.filter((entry) => !graph.has(entry))).toEqual([]);
    expect(files.filter((file) => file.startsWith('apps/robot-world/'))).not.toHaveLength(0);
  });

  it('import only files that exist, by relative paths and by aliases', () => {
    const unknown = [...graph].flatMap(([file, targets]) =>
      targets
        .filter((target) => target.endsWith('.ts') && !graph.has(target))
        .map((target) => `${file} imports ${target}`),
    );
    expect(unknown).toEqual([]);
  });

  it('have an alias for every entry of every package', () => {
    const sources = libs.flatMap((lib) => {
      const { name, exports } = readJson(`libs/${lib}/package.json`);
      return Object.entries<{ types?: string }>(exports).flatMap(([path, { types }]) =>
        types
          ? [
              [
                name + path.slice(1),
                types.replace('./dist', `libs/${lib}/src`).replace(/\.d\.(c?)ts$/, '.$1ts'),
              ],
            ]
          : [],
      );
    });
    expect(aliases).toMatchObject(Object.fromEntries(sources));
  });

  it('have a file for every condition of the imports in their package.json files', () => {
    const missing = libs.flatMap((lib) =>
      Object.values<Record<string, string>>(readJson(`libs/${lib}/package.json`).imports ?? {})
        .flatMap((conditions) => Object.values(conditions))
        .map((file) => file.replace('./dist/', `libs/${lib}/src/`).replace(/\.js$/, '.ts'))
        .filter((file) => !graph.has(file)),
    );
    expect(missing).toEqual([]);
  });

  it('import in one direction only, and only packages that their package.json names', () => {
    expect(layerViolations(graph, packages)).toEqual([]);
  });

  it('let an application import from another application only its shared folder', () => {
    expect(appViolations(graph)).toEqual([]);
  });

  it('never import their own entry', () => {
    expect(ownEntryViolations(graph, entries)).toEqual([]);
  });

  it('have no import cycle', () => {
    expect(cycleViolations(graph)).toEqual([]);
  });

  it('import only from the folders that the table of folders lists', () => {
    expect(Object.keys(folders).toSorted()).toEqual(libs.toSorted());
    expect(folderViolations(graph, entries)).toEqual([]);
  });

  it.each(Object.entries(folders))('have no folders in %s that import each other', (_lib, table) => {
    expect(folderCycles(table)).toEqual([]);
  });

  it('keep Nest away from the plain Node entry and from the request context', () => {
    const starts = [
      ...files.filter((file) => file.startsWith('libs/backend/src/node/')),
      'libs/backend/src/call/request.context.ts',
    ];
    expect(starts.filter((file) => !graph.has(file))).toEqual([]);
    expect(nestViolations(graph, starts)).toEqual([]);
  });

  it(`have no file of more than ${LINE_LIMIT} lines`, () => {
    const lengths = new Map(
      files.map((file) => [file, readFileSync(join(root, file), 'utf8').split('\n').length - 1]),
    );
    expect(lengthViolations(lengths, LINE_LIMIT, LONG_FILES)).toEqual([]);
  });
});

describe('the rules for layers', () => {
  const graphOf = (record: Record<string, string[]>) =>
    resolveImports(new Map(Object.entries(record)), aliases);

  it('find every kind of import', () => {
    const source = `
      import a from 'a';
      import type { B } from 'b';
      import 'c';
      export * from 'd';
      export type { E } from 'e';
      const f = await import('f');
      type G = import('g').G;
      // import h from 'h';
    `;
    expect(importsOf(source)).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
  });

  it('resolve paths, aliases, built-in modules and packages', () => {
    const resolved = graphOf({
      'libs/backend/src/rpc/a.ts': [
        '../b.js',
        '@linnet/common',
        'fs',
        'node:fs/promises',
        '@nestjs/core/x',
        'rxjs/y',
      ],
    });
    expect(resolved.get('libs/backend/src/rpc/a.ts')).toEqual([
      'libs/backend/src/b.ts',
      'libs/common/src/index.ts',
      'node:fs',
      'node:fs/promises',
      '@nestjs/core',
      'rxjs',
    ]);
  });

  it.each([
    ['libs/common/src/a.ts', 'node:fs'],
    ['libs/common/src/a.ts', 'buffer'],
    ['libs/common/src/a.ts', '@nestjs/common'],
    ['libs/common/src/a.ts', '@linnet/backend'],
    ['libs/frontend/src/a.ts', '@linnet/backend'],
    ['libs/frontend/src/a.ts', 'node:net'],
    ['libs/backend/src/a.ts', 'lodash'],
    ['libs/backend/src/a.ts', '@linnet/electron/main'],
    ['libs/electron/src/main/a.ts', '@linnet/frontend'],
    ['libs/electron/src/main/a.ts', '../renderer/a.js'],
    ['libs/electron/src/renderer/a.ts', '@linnet/backend'],
    ['libs/electron/src/renderer/a.ts', '../main/a.js'],
    ['libs/electron/src/renderer/a.ts', 'node:fs'],
    ['libs/electron/src/preload/a.cts', '@linnet/common'],
    ['libs/electron/src/preload/a.cts', 'node:events'],
    ['libs/electron/src/a.ts', '@linnet/common'],
    ['libs/electron/src/renderer/a.ts', 'electron'],
    ['libs/electron/src/preload/a.cts', '@nestjs/core'],
    ['libs/backend/src/a.ts', '../../../apps/robot-world/src/main.js'],
    ['libs/backend/src/a.ts', '../../../test/conformance/tables/values.js'],
  ])('report that %s imports %s', (file, specifier) => {
    expect(
      layerViolations(graphOf({ [file]: [specifier] }), {
        common: [],
        backend: ['semver'],
        electron: ['electron', '@nestjs/core'],
      }),
    ).toHaveLength(1);
  });

  it('accept the imports for which the layers exist', () => {
    const record = {
      'libs/backend/src/a.ts': ['@linnet/common', 'node:fs', 'semver', './b.js'],
      'libs/frontend/src/a.ts': ['@linnet/common'],
      'libs/electron/src/main/a.ts': ['@linnet/backend/node', '@linnet/common', 'node:path', '../bridge.js'],
      'libs/electron/src/renderer/a.ts': ['@linnet/frontend', '../bridge.js', './b.js'],
      'libs/electron/src/preload/a.cts': ['../bridge.js', 'electron'],
      'apps/robot-world/src/main.ts': ['anything', '@linnet/backend'],
    };
    expect(layerViolations(graphOf(record), { backend: ['semver'], electron: ['electron'] })).toEqual([]);
  });

  it('report an application that imports private files of another application', () => {
    const record = {
      'apps/a/src/main.ts': ['../../b/src/common/b.rpc.js', '../../b/src/engine.js', './common/a.js'],
    };
    expect(appViolations(graphOf(record))).toEqual(['apps/a/src/main.ts imports apps/b/src/engine.ts']);
    const shell = { 'apps/a-desktop/src/main.ts': ['../../a/src/engine.js'] };
    expect(appViolations(graphOf(shell))).toEqual([]);
  });

  it('report an import of the own entry by path or alias, and accept an entry that imports another entry', () => {
    const record = {
      'libs/common/src/a.ts': ['./index.js'],
      'libs/common/src/b.ts': ['@linnet/common'],
      'libs/backend/src/c.ts': ['@linnet/common'],
      'libs/backend/src/index.ts': ['./node/index.js'],
    };
    expect(ownEntryViolations(graphOf(record), entries)).toEqual([
      'libs/common/src/a.ts imports libs/common/src/index.ts',
      'libs/common/src/b.ts imports libs/common/src/index.ts',
    ]);
  });

  it('report an import of Nest through other files, with the way to it', () => {
    const record = { 'x/a.ts': ['./b.js'], 'x/b.ts': ['./a.js', './c.js'], 'x/c.ts': ['@nestjs/common'] };
    expect(nestViolations(graphOf(record), ['x/a.ts'])).toEqual([
      'x/a.ts → x/b.ts → x/c.ts → @nestjs/common',
    ]);
    expect(nestViolations(graphOf({ 'x/a.ts': ['rxjs'] }), ['x/a.ts'])).toEqual([]);
  });

  it('report each import cycle once, and a file that imports itself', () => {
    const record = {
      'x/a.ts': ['./b.js', './d.js'],
      'x/b.ts': ['./c.js'],
      'x/c.ts': ['./a.js', './b.js'],
      'x/d.ts': ['./e.js'],
      'x/e.ts': [],
      'x/f.ts': ['./f.js', './a.js'],
    };
    expect(cycleViolations(graphOf(record))).toEqual(['x/a.ts ⇄ x/b.ts ⇄ x/c.ts', 'x/f.ts']);
    expect(cycleViolations(graphOf({ 'x/a.ts': ['./b.js', './c.js'], 'x/b.ts': ['./c.js'] }))).toEqual([]);
  });

  it('report a folder that is not listed, an import that is not allowed, and a line that nothing uses', () => {
    const graph = graphOf({
      'libs/x/src/a/one.ts': ['../b/two.js'],
      'libs/x/src/b/two.ts': [],
      'libs/x/src/c/three.ts': ['../b/two.js'],
    });
    expect(folderViolations(graph, [], { x: { a: [], b: [], c: ['a', 'b'] } })).toEqual([
      'libs/x/src/a/one.ts imports libs/x/src/b/two.ts',
      'x: nothing needs c → a',
    ]);
    expect(folderViolations(graph, [], { x: { a: ['b'], b: [], d: [] } })).toEqual([
      'x/c is not in the table',
      'x/d is in the table and has no files',
      'libs/x/src/c/three.ts imports libs/x/src/b/two.ts',
    ]);
  });

  it('report folders that import each other, directly and through other folders', () => {
    expect(folderCycles({ a: ['b'], b: ['a', 'c'], c: [] })).toEqual(['a → b → a']);
    expect(folderCycles({ a: ['b'], b: ['c'], c: ['a'] })).toEqual(['a → b → c → a']);
    expect(folderCycles({ a: ['b', 'c'], b: ['c'], c: [] })).toEqual([]);
  });

  it('report long files, and exceptions that nothing needs any more', () => {
    const lengths = new Map([
      ['a.ts', 301],
      ['b.ts', 300],
      ['c.ts', 400],
    ]);
    expect(lengthViolations(lengths, 300, { 'b.ts': 'a table', 'c.ts': 'a table' })).toEqual([
      expect.stringContaining('a.ts has 301 lines'),
      expect.stringContaining('b.ts is no longer'),
    ]);
  });
});
