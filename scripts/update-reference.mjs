// Brings the page of the documents into @linnet/backend: the script of Scalar as its package has it, compressed. The package itself has 283
// dependencies, with 311 MB, of which the script needs none. `--check` compares instead: `node scripts/update-reference.mjs --check`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { root } from './entries.mjs';
import { npm } from './npm.mjs';

/** After a change run the browser tests: they check that the page contacts no other host. */
const release = '@scalar/api-reference@1.76.0';
const target = `${root}libs/backend/reference/scalar.js.gz`;

const folder = mkdtempSync(join(tmpdir(), 'linnet-reference-'));
try {
  // npm compares the tarball with the hash that the registry has of it.
  const { status } = npm(['pack', release, '--pack-destination', folder, '--loglevel=error'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw new Error(`${release} cannot be loaded.`);
  const tarball = join(folder, readdirSync(folder)[0]);
  const { stdout: script } = spawnSync('tar', ['-xOzf', tarball, 'package/dist/browser/standalone.js'], {
    maxBuffer: 64 * 1024 * 1024,
  });
  if (!process.argv.includes('--check')) writeFileSync(target, gzipSync(script, { level: 9 }));
  else if (!gunzipSync(readFileSync(target)).equals(script))
    throw new Error(`${target} is not the script of ${release}.`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
