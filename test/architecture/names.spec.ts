import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';

/**
 * The name of a class or function, or of a layer of Express, which has that of its function, compared with a text. Many errors have the
 * name of their class. The platform names an `AbortError`.
 */
const comparison =
  /\.name\s*[!=]==?\s*['"`]|['"`]\s*[!=]==?\s*[\w.!?]+\.name\b|constructor\.name\s*[!=]=|\bname\s*[!=]==?\s*['"`](?!AbortError)\w*Error\b/;

const files = readdirSync('libs', { recursive: true, encoding: 'utf8' }).filter((file) =>
  /^\w+[\\/]src[\\/].*(?<!\.spec)\.c?ts$/.test(file),
);

it('the check of names finds the sources', () => {
  expect(files.length).toBeGreaterThan(100);
});

it.each(files)('%s recognises nothing by the name of a class or function', (file) => {
  const lines = readFileSync(`libs/${file}`, 'utf8').split('\n');
  expect(lines.filter((line) => comparison.test(line))).toEqual([]);
});
