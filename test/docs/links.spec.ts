import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { root } from './guide.js';

/** Folders and files that are not of the repository, as `.gitignore` has them, and a list of packages without prose. */
const ignored = /^(?:node_modules|dist|dist-page|coverage|extracted|\.git|\.installing|package-lock\.json)$/;
const text = /\.(?:[cm]?[jt]s|jsonc?|html|css|md)$/;

const files = filesIn('.').filter((path) => text.test(path));
const markdown = files.filter((path) => path.endsWith('.md'));
const textOf = (path: string) => readFileSync(join(root, path), 'utf8');

describe('the links of the documentation', () => {
  it.each(markdown)('lead from %s to a file and a heading that exist', (path) => {
    const broken = targetsOf(textOf(path)).filter((target) => {
      const [file, anchor] = target.split('#') as [string, string?];
      return !exists(file === '' ? path : join(dirname(path), file), anchor);
    });
    expect(broken).toEqual([]);
  });

  it('lead from source files to a document and a heading that exist', () => {
    const broken = files.flatMap((path) =>
      [...textOf(path).matchAll(/(?<![\w./-])docs\/[\w-]+\.md(?:#([\w-]+))?/g)]
        .filter(([link, anchor]) => !exists(link.split('#')[0]!, anchor))
        .map(([link]) => `${path}: ${link}`),
    );
    expect(broken).toEqual([]);
  });

  it.each(markdown)('lead from the comments in %s to tests that exist', (path) => {
    const named = [...textOf(path).matchAll(/<!-- checked by (\S+) -->/g)].map(([, test]) => test!);
    expect(named.filter((test) => !existsSync(join(root, test)))).toEqual([]);
  });

  it('lead from docs/wire.md to exchanges that are recorded', () => {
    const document = textOf('docs/wire.md');
    const recorded = new Map(
      [...document.matchAll(/^\[(\S+)\]: \.\.\/(\S+\.json)$/gm)].map(([, id, file]) => [id!, file!]),
    );
    const cited = [...document.matchAll(/\[([ACIR]\d\d(?:-\d+)?)\]/g)].map(([, id]) => id!);
    expect(recorded.size).toBeGreaterThan(50);
    expect(new Set(cited)).toEqual(new Set(recorded.keys()));
    expect([...recorded].filter(([id, file]) => !idsOf(file).has(id))).toEqual([]);
  });
});

it('no file refers to a document that is not in the repository', () => {
  const foreign = /\bWIRE\b|\b(?:DESIGN|HOUSE|STYLE)\.md\b|\bshared\//;
  const own = 'test/docs/links.spec.ts';
  const referring = files.filter((path) => path !== own && foreign.test(textOf(path)));
  expect(referring).toEqual([]);
});

function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter(({ name }) => !ignored.test(name))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesIn(path) : [path];
    });
}

/** The targets of links in the repository: inline, and of definitions (`[name]: target`). */
function targetsOf(document: string): string[] {
  const prose = withoutCode(document).replaceAll(/`[^`\n]*`/g, '');
  const links = prose.matchAll(/\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$/gm);
  return [...links].map(([, inline, defined]) => inline ?? defined!).filter((to) => !/^[a-z]+:/.test(to));
}

function exists(path: string, anchor: string | undefined): boolean {
  if (!existsSync(join(root, path))) return false;
  return anchor === undefined || anchorsOf(textOf(path)).has(anchor);
}

/** The names by which GitHub refers to headings. */
function anchorsOf(document: string): Set<string> {
  const headings = [...withoutCode(document).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!.toLowerCase(),
  );
  return new Set(headings.map((heading) => heading.replaceAll(/[^\w\- ]/g, '').replaceAll(' ', '-')));
}

function withoutCode(document: string): string {
  return document.replaceAll(/^ *```[^]*?^ *```/gm, '');
}

function idsOf(file: string): Set<string> {
  const { vectors } = JSON.parse(textOf(file)) as { vectors: { id: string }[] };
  return new Set(vectors.map(({ id }) => id));
}
