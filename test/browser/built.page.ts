import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';

const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript' };

/** A page of the tests, as Vite builds it from the sources of the libraries. */
export class BuiltPage {
  #files: Record<string, string> = {};
  readonly #server = createServer(({ url }, response) => {
    const name = new URL(url!, 'http://x').pathname.slice(1) || 'index.html';
    const file = this.#files[name];
    response.writeHead(file === undefined ? 404 : 200, {
      'Content-Type': types[extname(name)] ?? 'text/plain',
    });
    response.end(file);
  });

  /** @param folder beside this file; it has an `index.html` */
  constructor(private readonly folder: string) {}

  /** Builds and serves it. @returns where */
  async open(): Promise<string> {
    const [script, root] = ['build.mjs', this.folder].map((name) => join(import.meta.dirname, name));
    const { stdout } = await promisify(execFile)(process.execPath, [script!, root!]);
    this.#files = JSON.parse(stdout) as Record<string, string>;
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
