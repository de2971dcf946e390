import { existsSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { extracted, placeOf, readGuide, root } from './guide.js';
import { isTest, runGuide, writeGuide } from './guide.run.js';
import { typeErrors } from './guide.types.js';

const documents = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const guides = documents.map(readGuide);
const withCode = guides.filter(({ files }) => files.size > 0);

for (const guide of withCode) {
  const tests = [...guide.files.keys()].filter(isTest);
  if (tests.length > 0) await writeGuide(guide);
  for (const test of tests) await import(placeOf(guide, test));
}

afterAll(() => rmSync(extracted, { recursive: true, force: true }));

describe('the documentation', () => {
  it('has code that the compiler takes', () => expect(typeErrors(withCode)).toEqual([]), 120_000);

  it.each(withCode.map((guide) => [guide.path, guide] as const))(
    '%s shows what happens',
    (_path, guide) => runGuide(guide),
    60_000,
  );

  it.each(guides.map((guide) => [guide.path, guide] as const))(
    '%s refers to what exists',
    (path, { text }) => {
      const targets = [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)];
      const missing = targets.filter(([, target, anchor]) => {
        const file = target ? join(dirname(path), target) : path;
        if (!existsSync(join(root, file))) return true;
        return anchor !== undefined && !anchorsOf(readGuide(file).text).has(anchor);
      });
      expect(missing.map(([link]) => link)).toEqual([]);
    },
  );
});

/** The names by which headings are referred to. */
function anchorsOf(text: string): Set<string> {
  const prose = text.replaceAll(/^```[^]*?^```$/gm, '');
  const headings = [...prose.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading!);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    ),
  );
}
