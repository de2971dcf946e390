import { realpath } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Gives windows the files of a folder.
 *
 * @param folder outside of which nothing is given, links included; nor what begins with a dot in it
 * @param fetchFile reads a file by its URL, as Electron does, types of content included
 * @param policy the header `Content-Security-Policy`
 * @returns answers a request for a URL, by its path
 */
export function pageFiles(
  folder: string,
  fetchFile: (url: string) => Promise<Response>,
  policy: string | undefined,
): (url: string) => Promise<Response> {
  return async (url) => {
    const file = await fileOf(folder, url);
    const found = file === undefined ? undefined : await fetchFile(file).catch(() => undefined);
    if (!found?.ok) return new Response('Not Found', { status: 404 });
    const headers = new Headers(found.headers);
    headers.set('X-Content-Type-Options', 'nosniff');
    if (policy !== undefined) headers.set('Content-Security-Policy', policy);
    return new Response(found.body, { headers });
  };
}

async function fileOf(folder: string, url: string): Promise<string | undefined> {
  try {
    const path = decodeURIComponent(new URL(url).pathname);
    const [root, file] = await Promise.all([
      realpath(folder),
      realpath(join(resolve(folder), path.endsWith('/') ? `${path}index.html` : path)),
    ]);
    const isHidden = file.slice(root.length).includes(`${sep}.`);
    return file.startsWith(root + sep) && !isHidden ? pathToFileURL(file).href : undefined;
  } catch {
    // The file does not exist, or its name is not valid.
    return undefined;
  }
}
