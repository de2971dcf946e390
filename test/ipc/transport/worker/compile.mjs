// Compiles TypeScript as the tests do, for Node's own modules: a worker runs without Jest.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { transform } from '@swc/core';
import config from '../../../../jest.config.mjs';
import { root, sourcesFor } from '../../../../scripts/entries.mjs';

const sources = sourcesFor('node');
const [, options] = config.transform['^.+\\.ts$'];

export async function resolve(name, context, next) {
  if (sources[name]) return { url: pathToFileURL(root + sources[name]).href, shortCircuit: true };
  // Sources name the emitted file.
  if (/^(\.|file:)/.test(name) && name.endsWith('.js')) {
    const { href } = new URL(name.replace(/\.js$/, '.ts'), context.parentURL);
    if (existsSync(fileURLToPath(href))) return { url: href, shortCircuit: true };
  }
  return next(name, context);
}

export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const filename = fileURLToPath(url);
  const { code } = await transform(await readFile(filename, 'utf8'), { ...options, filename });
  return { format: 'module', source: code, shortCircuit: true };
}
