import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const binary = process.env['REDIS_BINARY'] ?? 'redis-server';

/** Whether Redis is installed (`REDIS_BINARY` may name it). */
export const hasRedis = spawnSync(binary, ['--version']).status === 0;
if (!hasRedis) console.log('redis-server is not installed: nothing is tried over Redis.');

/** A Redis server that listens on loopback. */
export interface RedisServer {
  readonly url: string;
  /** Stops its process without ending it: connections stay open, and nobody answers. */
  freeze(): void;
  thaw(): void;
  /** Ends the process as a failure of its computer would. */
  kill(): Promise<void>;
  /** Starts a process on the same port, with the data that is on disk. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts Redis on a free port, with its data in a temporary folder. @param options for instance `--appendonly yes` */
export async function startRedis(...options: readonly string[]): Promise<RedisServer> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'linnet-redis-'));
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', ...options];
  let child = await begin(args);
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    freeze: () => child.kill('SIGSTOP'),
    thaw: () => child.kill('SIGCONT'),
    kill,
    async start() {
      child = await begin(args);
    },
    async stop() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Starts the process, and waits until it accepts connections. */
async function begin(args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    lines.push(line);
    if (line.includes('Ready to accept connections')) {
      child.stdout.resume();
      return child;
    }
  }
  throw new Error(`Redis does not start: ${lines.join('\n')}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
