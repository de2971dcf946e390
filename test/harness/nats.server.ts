import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const binary = process.env['NATS_BINARY'] ?? 'nats-server';

/** Whether there is a NATS server on this computer (`NATS_BINARY` may name one). */
export const hasNats = spawnSync(binary, ['--version']).status === 0;
if (!hasNats) console.log('nats-server is not installed: nothing is tried over NATS.');

/** A server of NATS that listens on loopback. */
export interface NatsServer {
  readonly servers: string;
  /** Ends the process as a failure of its computer would. Clients see a broken connection. */
  kill(): Promise<void>;
  /** Starts a process anew on the same port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts NATS with JetStream, on a port that was free, with its data in a temporary folder. */
export async function startNats(...options: readonly string[]): Promise<NatsServer> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'linnet-nats-'));
  const args = ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', folder, ...options];
  let child = await begin(args);
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return {
    servers: `nats://127.0.0.1:${port}`,
    kill,
    async restart() {
      child = await begin(args);
    },
    async stop() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Starts the process, and waits until it accepts connections. */
async function begin(args: readonly string[]) {
  const child = spawn(binary, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const lines: string[] = [];
  for await (const line of createInterface(child.stderr)) {
    lines.push(line);
    if (line.includes('Server is ready')) break;
  }
  if (!lines.at(-1)?.includes('Server is ready')) throw new Error(`NATS does not start: ${lines.join('\n')}`);
  child.stderr.resume();
  return child;
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
