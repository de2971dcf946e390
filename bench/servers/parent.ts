import { readFileSync } from 'node:fs';
import type { Flood } from './flood.js';

/** Tells the benchmark that the server listens, and answers its questions about resources. @param work does what it orders */
export function reportToParent(port: number, work?: (order: Flood) => Promise<void>): void {
  process.on('message', (order: 'resources' | Flood) => {
    if (order !== 'resources') {
      void work?.(order).then(() => process.send!({ isDone: true }));
      return;
    }
    // Present where memory is what is measured (`--expose-gc`): garbage is not what a session needs.
    globalThis.gc?.();
    const { rss, heapUsed, external } = process.memoryUsage();
    const resources = { cpuMicros: cpuMicros(), peakKiB: peakKiB(), rss, used: heapUsed + external };
    process.send!(resources);
  });
  process.on('disconnect', () => process.exit());
  process.send!({ port });
}

function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Linux's `maxRSS` begins with what the parent had before `exec`; its own high-water mark does not. */
function peakKiB(): number {
  try {
    const status = readFileSync('/proc/self/status', 'utf8');
    return Number(/^VmHWM:\s*(\d+)/m.exec(status)![1]);
  } catch {
    return process.resourceUsage().maxRSS;
  }
}
