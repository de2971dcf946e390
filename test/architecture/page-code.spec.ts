import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import ts from 'typescript';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Code that pages load: all of it has to run on the platforms that `docs/rpc-client.md` names. */
const folders = [
  'libs/common/src',
  'libs/frontend/src',
  'libs/electron/src/renderer',
  'libs/inspector/page',
  'apps/robot-world/page',
];

/** Members that a secure context or an engine newer than the oldest has. */
const members = new Set(
  (
    'randomUUID subtle canParse throwIfAborted findLast findLastIndex toSorted toReversed toSpliced groupBy ' +
    'withResolvers fromAsync isWellFormed toWellFormed asyncDispose fromBase64 toBase64 fromHex toHex getOrInsert'
  ).split(' '),
);
/** Static members of a class, and global names. */
const statics = new Set(['AbortSignal.any', 'AbortSignal.timeout', 'Promise.try', 'URL.parse']);
const globals = new Set([
  'structuredClone',
  'WeakRef',
  'FinalizationRegistry',
  'SharedWorker',
  'BroadcastChannel',
]);

/** Places that have a fallback, or do not run in pages. */
const allowed = new Set([
  'libs/common/src/base/random.id.ts: randomUUID',
  'libs/common/src/rpc/server/once.calls.ts: subtle',
]);

function usesOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAccessExpression(node)) {
      const name = node.name.text;
      if (members.has(name) || statics.has(`${node.expression.getText()}.${name}`)) found.push(name);
    } else if (ts.isIdentifier(node) && globals.has(node.text)) found.push(node.text);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found.map((name) => `${file}: ${name}`).filter((use) => !allowed.has(use));
}

it('page code uses only features that plain http and the oldest supported engine have', () => {
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts'))
      .map((name) => `${folder}/${name}`),
  );
  expect(files.length).toBeGreaterThan(100);
  expect(files.flatMap(usesOf)).toEqual([]);
});
