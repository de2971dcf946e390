import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { transform } from '@swc/core';
import { IpcChannel } from '@linnet/backend';
import { closeIpcApps, startIpcApp } from '../../harness/ipc.harness.js';

const repository = join(import.meta.dirname, '../../..');
const run = promisify(execFile);

@IpcChannel('greeter')
class Greeter {
  async greet(name: string, bytes: Uint8Array) {
    return `hello ${name}, ${bytes.length} bytes`;
  }
}

/** An application's folder, in which the libraries are as they are installed: package.json and `dist`. */
let folder: string;

async function install(name: string): Promise<void> {
  const from = join(repository, 'libs', name);
  const to = join(folder, 'node_modules/@linnet', name);
  await mkdir(to, { recursive: true });
  await cp(join(from, 'package.json'), join(to, 'package.json'));
  const files = await readdir(join(from, 'src'), { recursive: true });
  for (const file of files.filter((each) => /(?<!\.spec|\.d)\.ts$/.test(each))) {
    const { code } = await transform(await readFile(join(from, 'src', file), 'utf8'), {
      swcrc: false,
      jsc: { target: 'es2022', parser: { syntax: 'typescript', decorators: true } },
      module: { type: 'es6' },
    });
    const target = join(to, 'dist', file.replace(/ts$/, 'js'));
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, code);
  }
}

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'linnet-published-')));
  await install('common');
  await install('frontend');
  await symlink(join(repository, 'node_modules/ws'), join(folder, 'node_modules/ws'));
  const entry = "import * as library from '@linnet/frontend'; globalThis.library = library;";
  await writeFile(join(folder, 'entry.mjs'), entry);
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(closeIpcApps);

describe('the frontend library, as it is installed', () => {
  it('connects in Node over ws', async () => {
    const { port } = await startIpcApp({ providers: [Greeter] });
    const script = `
      import { IpcApp, webSocketIpc } from '@linnet/frontend';
      // That of the platform would do as well, where there is one.
      delete globalThis.WebSocket;
      await IpcApp.startup(webSocketIpc('ws://127.0.0.1:${port}/ipc'));
      console.log(await IpcApp.makeIpcProxy('greeter').greet('Node', new Uint8Array(3)));
      IpcApp.shutdown();
    `;
    const args = ['--input-type=module', '--eval', script];
    const { stdout } = await run(process.execPath, args, { cwd: folder, timeout: 30_000 });
    expect(stdout).toBe('hello Node, 3 bytes\n');
  });

  /** The modules of a bundle, by the end of their paths. */
  async function bundle(...mode: string[]): Promise<{ files: string[]; imports: string[] }> {
    const script = join(import.meta.dirname, 'published.bundle.mjs');
    const { stdout } = await run(process.execPath, [script, folder, ...mode], { timeout: 60_000 });
    return JSON.parse(stdout) as { files: string[]; imports: string[] };
  }

  it('does not add ws to a bundle for pages', async () => {
    const { files, imports } = await bundle();
    const names = files.map((file) => file.slice(folder.length));
    expect(names).toContain('/node_modules/@linnet/frontend/dist/websocket.page.js');
    expect(files.filter((file) => file.includes('websocket.node') || /[\\/]ws[\\/]/.test(file))).toEqual([]);
    expect(imports).toEqual([]);
  }, 60_000);

  it('imports ws in a bundle for Node', async () => {
    const { files, imports } = await bundle('ssr');
    expect(files.map((file) => file.slice(folder.length))).toContain(
      '/node_modules/@linnet/frontend/dist/websocket.node.js',
    );
    expect(files.filter((name) => name.includes('websocket.page'))).toEqual([]);
    expect(imports).toContain('ws');
  }, 60_000);
});
