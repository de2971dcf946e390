import { Worker } from 'node:worker_threads';
import type { WorkerOptions } from 'node:worker_threads';

/** A worker of Node's that runs TypeScript of the tests, on the sources of the libraries. */
export class CompiledWorker extends Worker {
  constructor(file: string | URL, options: WorkerOptions = {}) {
    super(new URL('./worker/start.mjs', import.meta.url), { ...options, argv: [String(file)] });
  }
}
