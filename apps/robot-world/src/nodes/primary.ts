import cluster from 'node:cluster';
import type { Worker } from 'node:cluster';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serveClusterBackplane } from '@linnet/backend/node';
import { NODES_FILE } from '../engine/warehouse.file.js';

/** How long a dead node stays away, in milliseconds, so that one that cannot run does not keep the computer busy. */
const AGAIN_MS = 1000;

/**
 * Starts nodes as processes that share the port and the warehouse of this example. A node that dies is started again. The process
 * ends with its nodes, at SIGINT and SIGTERM.
 */
export function startNodes(count: number): void {
  serveClusterBackplane();
  // A lasting file (ROBOT_WORLD_DB) takes precedence.
  const folder = mkdtempSync(join(tmpdir(), 'robot-world-'));
  const env = { [NODES_FILE]: join(folder, 'warehouse.db') };
  const ready = new Set<Worker>();
  let started = 0;
  let isStopping = false;

  const fork = () => {
    if (!isStopping) cluster.fork(env);
  };
  const stop = (signal: NodeJS.Signals) => {
    isStopping = true;
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill(signal);
  };
  cluster.on('message', (worker, message: { readonly welcome?: string }) => {
    if (message.welcome === undefined) return;
    ready.add(worker);
    // One after the other: the first one furnishes the warehouse.
    if (++started < count) fork();
    else if (started === count) console.log(`${count} nodes: ${pidsOf(ready)}\n${message.welcome}`);
    else console.log(`Node ${worker.process.pid} is in the place of the one that has ended.`);
  });
  cluster.on('exit', (worker, code) => {
    if (ready.delete(worker)) {
      if (!isStopping) setTimeout(fork, AGAIN_MS);
    } else if (!isStopping) {
      // It has never run, nor would another one.
      process.exitCode = code || 1;
      stop('SIGTERM');
    }
  });
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  // A terminal sends Ctrl+C to the nodes as well.
  process.on('SIGINT', () => (isStopping = true));
  process.on('SIGTERM', () => stop('SIGTERM'));
  fork();
}

function pidsOf(workers: Iterable<Worker>): string {
  return Array.from(workers, ({ process: { pid } }) => pid).join(', ');
}
