import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { highestLevel } from '../../libs/cli/src/lock/change.js';
import { compareContracts } from '../../libs/cli/src/lock/contract.comparison.js';
import { lockText, parseContract } from '../../libs/cli/src/lock/lock.file.js';
import { isBumped, nextVersion } from '../../libs/cli/src/lock/version.js';
import { readContract } from '../../libs/cli/src/read/contract.reader.js';
import type { Contract } from '@linnet/common/contract';

// The tables of the guide are the tests: each row is an edit of a definition, and the verdict on it.

const guide = readFileSync(join(import.meta.dirname, '../../docs/lock.md'), 'utf8');
const declarations = /```typescript\n([^]*?)```/
  .exec(guide)![1]!
  .replaceAll(/^(?=interface|type|enum)/gm, 'export ');
const rows = guide
  .split('\n')
  .filter((line) => /^\| [^|]+\| `/.test(line))
  .map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('\\|', '|').replaceAll(/^`|`$/g, '')),
  )
  // Rows of three cells are options of the command.
  .filter(({ length }) => length > 3);
const edits = rows.filter(({ length }) => length === 6);
const notifications = rows.filter(({ length }) => length === 5);

const head = `
import { ipcChannel, RpcOperation } from '@linnet/common';
import type { RpcStream } from '@linnet/common';
interface StandardSchemaV1<T> { '~standard': { types?: { input: T; output: T } } }
${declarations}`;
const definition = (members: string) => `${head}
export abstract class Robots {
  static readonly interfaceName = 'Robots';
  static interfaceVersion = '1.0.0';
  ${members.replaceAll('; ', ';\n')}
}`;
const channel = (members: string) => `${head}
interface Sent { ${members} }
export const robots = ipcChannel<{ go(): Promise<void> }, Sent>('robots-v1');`;

const sources = new Map<string, string>();
const fileOf = (kind: string, row: number, side: string) =>
  join(import.meta.dirname, `${kind}-${row}-${side}.ts`);
const addSources = (kind: string, table: string[][], write: (members: string) => string) =>
  table.forEach(([, before, after], i) => {
    sources.set(fileOf(kind, i, 'before'), write(before!));
    sources.set(fileOf(kind, i, 'after'), write(after!));
  });
addSources('edit', edits, definition);
addSources('notification', notifications, channel);

let program: ts.Program;

beforeAll(() => {
  const options: ts.CompilerOptions = {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    strict: true,
    skipLibCheck: true,
    types: ['node'],
    paths: { '@linnet/common': [join(import.meta.dirname, '../../libs/common/src/index.ts')] },
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (file) => sources.has(file) || fileExists(file);
  host.readFile = (file) => sources.get(file) ?? readFile(file);
  host.getSourceFile = (file, target, ...rest) =>
    sources.has(file)
      ? ts.createSourceFile(file, sources.get(file)!, target, true)
      : getSourceFile(file, target, ...rest);
  program = ts.createProgram([...sources.keys()], options, host);
});

/** The contract of a row, as it is after it was locked. */
function locked(file: string): Contract {
  return parseContract(lockText(readContract({ program, files: [program.getSourceFile(file)!] })));
}

function verdict(kind: string, row: number) {
  const [before, after] = ['before', 'after'].map((side) => locked(fileOf(kind, row, side)));
  const changes = compareContracts(before!, after!).flatMap((each) => each.changes);
  const sides = [...new Set(changes.flatMap(({ breaks }) => breaks))];
  const breaks = sides.length === 2 ? 'both' : (sides[0] ?? 'nobody');
  return { level: highestLevel(changes) ?? 'none', breaks };
}

describe('the rules of the lock', () => {
  it('are shown by at least 60 kinds of edits, each once', () => {
    expect(edits.length).toBeGreaterThanOrEqual(60);
    const codes = edits.map(([, before, after]) => `${before} → ${after}`);
    expect(codes.filter((code, i) => codes.indexOf(code) !== i)).toEqual([]);
  });

  it.each(
    edits.map(([edit, before, after, released, , breaks], i) => ({
      edit,
      before,
      after,
      released,
      breaks,
      i,
    })),
  )('$edit: $before → $after is $released, and breaks $breaks', ({ released, breaks, i }) =>
    expect(verdict('edit', i)).toEqual({ level: released, breaks }),
  );

  it.each(notifications.map(([edit, , , level, breaks], i) => ({ edit, level, breaks, i })))(
    'of notifications, $edit: is $level, and breaks $breaks',
    ({ level, breaks, i }) => expect(verdict('notification', i)).toEqual({ level, breaks }),
  );

  it('lower each level by one in 0.x', () => {
    const lower: Record<string, string> = { major: 'minor', minor: 'patch', patch: 'patch', none: 'none' };
    expect(edits.filter(([, , , released, zero]) => lower[released!] !== zero)).toEqual([]);
    const step = (level: 'major' | 'minor' | 'patch') => nextVersion('0.3.4', level);
    expect([step('major'), step('minor'), step('patch')]).toEqual(['0.4.0', '0.3.5', '0.3.5']);
  });

  it.each([
    ['1.2.3', '2.0.0', 'major', true],
    ['1.2.3', '1.3.0', 'major', false],
    ['1.2.3', '1.3.0', 'minor', true],
    ['1.2.3', '1.2.4', 'minor', false],
    ['1.2.3', '1.2.4', 'patch', true],
    ['1.2.3', '1.2.3', 'patch', false],
    ['1.2.3', '1.1.9', 'patch', false],
    ['1.2.3', '0.9.9', 'patch', false],
    ['0.3.4', '0.4.0', 'major', true],
    ['0.3.4', '1.0.0', 'major', true],
    ['0.3.4', '0.3.5', 'major', false],
    ['0.3.4', '0.3.5', 'minor', true],
    ['0.3.4', '0.3.4', 'patch', false],
    ['2.0.0-dev.1', '2.0.0-dev.2', 'major', true],
    ['2.0.0-dev.1', '2.0.0-dev.1', 'patch', false],
    ['1.2.3', '2.0.0-dev.1', 'major', true],
  ] as const)(
    'tell whether a step from %s to %s allows a change of level %s: %s',
    (from, to, level, isAllowed) => {
      expect(isBumped(from, to, level)).toBe(isAllowed);
    },
  );
});
