import { fork } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPackages } from './install.js';

const folder = fileURLToPath(new URL('.', import.meta.url));

/** The reference server, in a process of its own. */
export interface ReferenceServer {
  readonly url: string;
  stop(): void;
}

/** As {@link installPackages}, for the packages of the reference server. */
export function installReference(): string | undefined {
  return installPackages(folder);
}

/** Starts the reference server. */
export async function startReference(): Promise<ReferenceServer> {
  const child = fork(join(folder, 'server.cjs'), {
    cwd: folder,
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let said = '';
  child.stderr!.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const port = await new Promise<number>((resolve, reject) => {
    child.once('message', (message) => resolve((message as { port: number }).port));
    child.once('exit', (code) => reject(new Error(`The reference server ended with ${code}: ${said}`)));
  });
  return { url: `http://127.0.0.1:${port}`, stop: () => void child.kill() };
}
