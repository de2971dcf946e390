import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The files of the page, and the type of each. No other file is served. */
const types: Readonly<Record<string, string>> = {
  'index.html': 'text/html; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
};

/** The page runs only its own script, and calls only its own server. */
const headers: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
};

/** A file of the page, with the headers that it is sent with. */
export interface PageFile {
  readonly headers: Readonly<Record<string, string>>;
  readonly content: string;
}

/** The names of the files of the page. */
export const pageFiles = Object.keys(types);

/** Found by the name of the package, because a compiled file may lie in another folder than its source. */
const folder = () =>
  join(dirname(createRequire(import.meta.url).resolve('@linnet/inspector/package.json')), 'dist-page');

/** Reads a file of the page. @throws Error if the package lacks it (rejection) */
export async function readPageFile(name: string): Promise<PageFile> {
  const content = await readFile(join(folder(), name), 'utf8');
  return { headers: { ...headers, 'Content-Type': types[name]! }, content };
}
