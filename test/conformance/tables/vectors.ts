import { readFileSync } from 'node:fs';

/** Reads a file of recorded vectors. */
export function readVectors(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../vectors/${name}.json`, import.meta.url), 'utf8')) as unknown;
}
