import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** The kernel counts processor time in hundredths of a second. */
const TICK_MS = 10;

interface Sample {
  readonly at: number;
  /** Processor time of programs that do not belong to the run, since the computer started, in milliseconds. */
  readonly foreign: number;
}

/**
 * Notes how much processor time other programs take, so that a run on a busy computer can be judged by the time that the cluster
 * had. Only Linux counts it. Elsewhere nothing is deducted.
 */
export class ProcessorTime {
  readonly #samples: Sample[] = [];

  sample(): void {
    const foreign = foreignMs();
    if (foreign !== undefined) this.#samples.push({ at: performance.now(), foreign });
  }

  /** The part of all processors that other programs had from the first sample to the last one. */
  get foreignShare(): number {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (!first || !last || first === last) return 0;
    return this.#foreignBetween(first.at, last.at) / (last.at - first.at);
  }

  /** How much of a span the computer had for the run, in milliseconds: all of it where nothing else runs. */
  ownMs(from: number, to: number): number {
    return Math.max(0, to - from - this.#foreignBetween(from, to));
  }

  /** The foreign processor time of a span, divided by the processors. */
  #foreignBetween(from: number, to: number): number {
    return Math.max(0, this.#foreignAt(to) - this.#foreignAt(from)) / availableParallelism();
  }

  #foreignAt(at: number): number {
    const next = this.#samples.findIndex((sample) => sample.at > at);
    const [before, after] = [this.#samples.at(next < 0 ? -1 : next - 1), this.#samples.at(next)];
    if (!before || !after || next <= 0) return (next === 0 ? after : before)?.foreign ?? 0;
    const part = (at - before.at) / (after.at - before.at);
    return before.foreign + part * (after.foreign - before.foreign);
  }
}

function foreignMs(): number | undefined {
  try {
    const [user, nice, system] = readFileSync('/proc/stat', 'utf8').split(/\s+/, 4).slice(1).map(Number);
    return TICK_MS * (user! + nice! + system!) - ownMs();
  } catch {
    return undefined;
  }
}

/** The processor time of all processes of this run, in milliseconds. They are those of one process group. */
function ownMs(): number {
  const group = statOf('self')![2];
  let ticks = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const stat = statOf(pid);
    if (!stat || stat[2] !== group) continue;
    // Its own time, and that of its children that have ended.
    for (const each of stat.slice(11, 15)) ticks += Number(each);
  }
  return TICK_MS * ticks;
}

/** The members of a process behind its name: state, parent, group, … It may have ended meanwhile. */
function statOf(pid: string): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
