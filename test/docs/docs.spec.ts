import { rmSync } from 'node:fs';
import { afterAll, describe, expect, it } from '@jest/globals';
import { documents, extracted, placeOf, readGuide } from './guide.js';
import { isTest, runGuide, writeGuide } from './guide.run.js';
import { typeErrors } from './guide.types.js';

const guides = documents.map(readGuide).filter(({ files }) => files.size > 0);

// Tests among the code declare themselves when they are run.
for (const guide of guides) {
  const tests = [...guide.files.keys()].filter(isTest);
  if (tests.length > 0) await writeGuide(guide);
  for (const test of tests) await import(placeOf(guide, test));
}

afterAll(() => rmSync(extracted, { recursive: true, force: true }));

describe('the documentation', () => {
  it('has code that compiles', () => expect(typeErrors(guides)).toEqual([]), 120_000);

  it.each(guides.map((guide) => [guide.path, guide] as const))(
    'shows the true results in %s',
    (_path, guide) => runGuide(guide),
    60_000,
  );
});
