import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';

export const root = join(import.meta.dirname, '../..');

/** The README and all that stands in `docs`, from the root. */
export const documents = [
  'README.md',
  ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`),
].filter((path) => path.endsWith('.md'));

/** Where the code of guides is put, to be run; tests run side by side. */
export const extracted = join(import.meta.dirname, 'extracted', process.env['JEST_WORKER_ID'] ?? '0');

/** The runnable parts of a guide, in order: a file, at the place of its last block, or lines of a shell. */
type Step = { readonly file: string } | { readonly shell: string };

/**
 * A document whose code is checked. A block of code in `ts` or `js` that begins with a comment which names a file is (more of)
 * that file; one that does not goes on with the file before. A comment after a statement is asserted:
 *
 * - `// → value`: its value, or what it prints, or the variable that it declares
 * - `// soon → value`: the same, before long
 * - `// throws { … }`: members of the error that it throws
 *
 * Lines of the files have the numbers that they have in the document. Code that is shown and not run (somebody else's) is a block of
 * another language: `typescript`.
 */
export interface Guide {
  /** From the root of the repository. */
  readonly path: string;
  readonly text: string;
  /** By their names. */
  readonly files: ReadonlyMap<string, string>;
  readonly steps: readonly Step[];
}

export function readGuide(path: string): Guide {
  const text = readFileSync(join(root, path), 'utf8');
  const blocks = new Map<string, { code: string; at: number }[]>();
  const order: { name?: string; shell?: string }[] = [];
  let name: string | undefined;
  for (const { language, code, at } of blocksOf(text)) {
    if (language === 'sh') order.push({ shell: code });
    if (language !== 'ts' && language !== 'js') continue;
    name = /^\/\/ ([\w./-]+\.[jt]s)\b/.exec(code)?.[1] ?? name;
    if (name === undefined) throw new Error(`${path}:${at}: the first block of code names no file.`);
    order.push({ name });
    blocks.set(name, [...(blocks.get(name) ?? []), { code, at }]);
  }
  const files = new Map(
    [...blocks].map(([file, parts]) => [file, withAssertions(path, file, placed(parts))]),
  );
  const steps = order.flatMap((step, i): Step[] => {
    if (step.shell !== undefined) return [{ shell: step.shell }];
    const isLast = !order.slice(i + 1).some((later) => later.name === step.name);
    return isLast ? [{ file: step.name! }] : [];
  });
  return { path, text, files, steps };
}

/** The files that a guide starts workers with, by their names without `.ts`: others start them, and nobody imports them. */
export function workersOf({ text }: Pick<Guide, 'text'>): string[] {
  return [...text.matchAll(/new Worker\(new URL\('\.\/([\w.]+)\.js', import\.meta\.url\)/g)].map(
    ([, name]) => name!,
  );
}

/** Where a file of a guide is put; a test by a name that is not looked for. */
export function placeOf(guide: Pick<Guide, 'path'>, file: string): string {
  return join(extracted, guide.path.replace(/\.md$/, ''), file.replace(/\.spec\.ts$/, '.tests.ts'));
}

/** The blocks of code of a document, with the line on which the first of theirs stands. */
export function blocksOf(text: string): { language: string; code: string; at: number }[] {
  return [...text.matchAll(/^( *)```(\w+)\n([^]*?)^ *```$/gm)].map(
    ({ index, 1: indent, 2: language, 3: code }) => ({
      language: language!,
      code: code!.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
      at: text.slice(0, index).split('\n').length + 1,
    }),
  );
}

/** Puts each block on its lines. */
function placed(parts: readonly { code: string; at: number }[]): string {
  const lines: string[] = [];
  for (const { code, at } of parts) code.split('\n').forEach((line, i) => (lines[at - 1 + i] = line));
  return Array.from(lines, (line) => line ?? '').join('\n');
}

/** Turns comments into assertions, and keeps the number of lines. The first line of a document is not code. */
function withAssertions(path: string, file: string, code: string): string {
  const source = ts.createSourceFile(file, code, ts.ScriptTarget.ESNext, true);
  const changes: { at: number; end: number; text: string }[] = [];
  const visit = (node: ts.Node): void => {
    const comment = ts.isStatement(node) ? commentBehind(code, node) : undefined;
    if (!comment) return ts.forEachChild(node, visit);
    const at = `'${path}:${source.getLineAndCharacterOfPosition(node.end).line + 1}'`;
    changes.push({ at: node.getStart(), end: node.end, text: asserted(node as ts.Statement, comment, at) });
  };
  visit(source);
  const meant = code.match(/\/\/ (→|soon →|throws) /g)?.length ?? 0;
  if (changes.length < meant) throw new Error(`${path}: in ${file} an assertion stands behind no statement.`);
  let result = code;
  for (const { at, end, text } of changes.toReversed())
    result = result.slice(0, at) + text + result.slice(end);
  // Code in a thread of its own shows nothing, and runs without tests around it.
  if (changes.length === 0) return result;
  const assertions = relative(dirname(placeOf({ path }, file)), join(import.meta.dirname, 'shown.js'));
  return `import { shown, soon, thrown } from '${assertions}';${result}`;
}

function commentBehind(code: string, node: ts.Node): string | undefined {
  const [comment] = ts.getTrailingCommentRanges(code, node.end) ?? [];
  const text = comment && code.slice(comment.pos + 2, comment.end).trim();
  return text && /^(→|soon →|throws) /.test(text) ? text : undefined;
}

function asserted(statement: ts.Statement, comment: string, at: string): string {
  const [, kind, expected] = /^(→|soon →|throws) (.*)$/.exec(comment)!;
  const code = statement.getText();
  if (kind === 'throws') return `await thrown(${at}, async () => { ${code} }, ${expected});`;
  const assertion = (value: string) =>
    kind === '→' ? `shown(${at}, ${value}, ${expected});` : `await soon(${at}, () => ${value}, ${expected});`;
  if (ts.isVariableStatement(statement)) {
    const [{ name }] = statement.declarationList.declarations as unknown as [ts.VariableDeclaration];
    return `${code} ${assertion(name.getText())}`;
  }
  if (!ts.isExpressionStatement(statement)) throw new Error(`Nothing can be shown of: ${code}`);
  const printed = /^console\.log\(([^]*)\)$/.exec(statement.expression.getText())?.[1];
  return assertion(printed ?? statement.expression.getText());
}
