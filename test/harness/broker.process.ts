import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { endOf } from './child.end.js';
import { freePort } from './free.port.js';

/** A broker that may be installed on this computer. */
export interface BrokerProgram {
  readonly name: string;
  readonly binary: string;
  /** The arguments that have it listen on a port of loopback, and keep its data in a folder. */
  arguments(port: number, folder: string): readonly string[];
  /** Where it says that it accepts connections, and a part of that line. */
  readonly output: 'stdout' | 'stderr';
  readonly ready: string;
}

/** A broker that listens on loopback. */
export interface BrokerProcess {
  readonly port: number;
  /** Stops its process without ending it: connections stay open, and nobody answers. */
  freeze(): void;
  thaw(): void;
  /** Ends the process as a failure of its computer would. Clients see a broken connection. */
  kill(): Promise<void>;
  /** Starts a process on the same port, with the data that is on disk. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Whether a broker is installed. If not, it is printed that its tests are skipped. */
export function isInstalled({ name, binary }: BrokerProgram): boolean {
  const isThere = spawnSync(binary, ['--version']).status === 0;
  if (!isThere) console.log(`${binary} is not installed: nothing is tried over ${name}.`);
  return isThere;
}

/** Starts a broker with its data in a temporary folder. @param port default: one that is free */
export async function startBroker(
  program: BrokerProgram,
  options: readonly string[],
  port?: number,
): Promise<BrokerProcess> {
  const at = port ?? (await freePort());
  const folder = mkdtempSync(join(tmpdir(), 'linnet-broker-'));
  const begin = () => spawned(program, [...program.arguments(at, folder), ...options]);
  let child = await begin();
  const kill = () => endOf(child, 'SIGKILL');
  return {
    port: at,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    kill,
    async restart() {
      child = await begin();
    },
    async stop() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Starts the process, and waits until it accepts connections. */
async function spawned(
  { name, binary, output, ready }: BrokerProgram,
  args: readonly string[],
): Promise<ChildProcess> {
  const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  child[output === 'stdout' ? 'stderr' : 'stdout'].resume();
  const lines: string[] = [];
  for await (const line of createInterface(child[output])) {
    lines.push(line);
    if (line.includes(ready)) {
      child[output].resume();
      return child;
    }
  }
  throw new Error(`${name} does not start: ${lines.join('\n')}`);
}
