import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** The outcome of a step of itwin.frontend.steps.mjs; views are `{ kind, hex }`. */
export interface ITwinStep {
  id: string;
  resolved?: unknown;
  rejected?: Record<string, unknown>;
  /** The step got no answer in time. */
  unanswered?: true;
  /** The frames sent meanwhile, without bytes. */
  textFrames: { from: 'frontend' | 'backend'; text: string }[];
}

const script = join(import.meta.dirname, 'itwin.frontend.mjs');

/** Runs the real frontend against a backend, in a process of its own; resolves with all its steps, by name. */
export async function runITwinFrontend(port: number, path = '/ipc'): Promise<Map<string, ITwinStep>> {
  const child = spawn(process.execPath, [script, `ws://127.0.0.1:${port}${path}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const steps = new Map<string, ITwinStep>();
  for await (const line of createInterface({ input: child.stdout })) {
    const step = JSON.parse(line) as ITwinStep;
    steps.set(step.id, step);
  }
  const code = await ended;
  if (code !== 0) throw new Error(`the frontend ended with ${code} after ${steps.size} steps: ${errors}`);
  return steps;
}
