import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { chooseEncoding } from '@linnet/common/internal';
import type { BuiltinFile } from '@linnet/common/internal';

/** The content of the page. */
interface PageContent {
  readonly title: string;
  /** The path of the page on this server, with the prefix of RPC. */
  readonly root: string;
  readonly hasChannels: boolean;
}

/**
 * The browser enforces that the page contacts no other host, and runs no script but those of the package. Scalar sets styles from its
 * script.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** A year, in seconds. The address of a script changes with its content. */
const SCRIPT_AGE = 31_536_000;

/**
 * Makes the files of the page, by their paths.
 *
 * @param path of the page: `/docs`
 * @param content returns what the page shows, for each request
 * @throws Error if the files are not beside the code
 */
export function docsPage(path: string, content: () => PageContent): Map<string, BuiltinFile> {
  const scalar = readScript('scalar.js.gz');
  // Unpacked once, for the first client that asks for it: it takes some milliseconds, and anybody can ask.
  let unpacked: Buffer | undefined;
  const page = readScript('page.js');
  const versions = { scalar: hashOf(scalar), page: hashOf(page) };
  const html = (base: string) => () => ({
    headers: headersOf({
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': POLICY,
      'Cache-Control': 'no-store',
      'Referrer-Policy': 'no-referrer',
    }),
    body: htmlOf(content(), base, versions),
  });
  const script = {
    'Content-Type': 'text/javascript; charset=utf-8',
    'Cache-Control': `private, max-age=${SCRIPT_AGE}, immutable`,
  };
  const varying = { ...script, Vary: 'Accept-Encoding' };
  return new Map<string, BuiltinFile>([
    // Addresses are relative, so that the page works behind a gateway that cuts a prefix off.
    [path, html(`${path.split('/').at(-1)}/`)],
    [`${path}/`, html('')],
    [`${path}/page.js`, () => ({ headers: headersOf(script), body: page })],
    [
      `${path}/scalar.js`,
      (acceptEncoding) =>
        chooseEncoding(acceptEncoding, ['gzip'])
          ? { headers: headersOf({ ...varying, 'Content-Encoding': 'gzip' }), body: scalar }
          : { headers: headersOf(varying), body: (unpacked ??= gunzipSync(scalar)) },
    ],
  ]);
}

/** Names and values in turn. Browsers take each file for what it says. */
function headersOf(headers: Readonly<Record<string, string>>): string[] {
  return [...Object.entries(headers).flat(), 'X-Content-Type-Options', 'nosniff'];
}

// Found by the name of the package, because the compiled file can lie in another folder than its source.
function readScript(name: string): Buffer {
  const folder = dirname(createRequire(import.meta.url).resolve('@linnet/backend/package.json'));
  return readFileSync(join(folder, 'reference', name));
}

function hashOf(file: Buffer): string {
  return createHash('sha256').update(file).digest('hex').slice(0, 16);
}

function htmlOf(
  { title, root, hasChannels }: PageContent,
  base: string,
  versions: { scalar: string; page: string },
): string {
  const up = '../'.repeat(root.split('/').length - 1);
  // A script of data ends at the first `</script`.
  const options = JSON.stringify({ title, up, hasChannels }).replaceAll('<', '\\u003c');
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>${escaped(title)}</title>
    <link rel="icon" href="data:," />
  </head>
  <body>
    <div id="reference"></div>
    <script id="options" type="application/json">${options}</script>
    <script src="${base}scalar.js?${versions.scalar}"></script>
    <script src="${base}page.js?${versions.page}"></script>
  </body>
</html>
`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
