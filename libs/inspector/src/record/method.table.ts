import type { ObservedCall } from '@linnet/common/internal';
import type { MethodRow } from '../channel/inspector.ipc.js';
import { Durations } from './durations.js';

/** Methods that are kept by their names. All others are counted together. */
const MOST_METHODS = 500;
/** Rows that an overview has. */
const MOST_ROWS = 100;
const OTHERS = '(others)';
const NAME_LENGTH = 200;

/** The counts of one method. */
export class Method {
  calls = 0;
  running = 0;
  errors = 0;
  perSecond = 0;
  readonly durations = new Durations();
  #before = 0;

  constructor(
    readonly name: string,
    readonly side: MethodRow['side'],
    readonly kind: MethodRow['kind'],
  ) {}

  /** A second has ended. */
  tick(): void {
    this.perSecond = this.calls - this.#before;
    this.#before = this.calls;
  }

  get row(): MethodRow {
    const { name, side, kind, calls, perSecond, running, errors, durations } = this;
    const [p50, p95, p99] = durations.quantiles([0.5, 0.95, 0.99]) as [number, number, number];
    return { name, side, kind, calls, perSecond, running, errors, p50, p95, p99, most: durations.most };
  }
}

/** The methods of all calls. */
export class MethodTable {
  /** By side, kind and name. */
  readonly #all = new Map<string, Method>();

  get size(): number {
    return this.#all.size;
  }

  [Symbol.iterator](): IterableIterator<Method> {
    return this.#all.values();
  }

  /** The method of a call. */
  of({ side, kind, name: given }: ObservedCall): Method {
    const known = this.#all.get(`${side} ${kind} ${given}`);
    if (known) return known;
    const name = given.length > NAME_LENGTH || this.size >= MOST_METHODS ? OTHERS : given;
    const key = `${side} ${kind} ${name}`;
    const method = this.#all.get(key) ?? new Method(name, side, kind);
    this.#all.set(key, method);
    return method;
  }

  /** The methods with the most calls. */
  rows(): MethodRow[] {
    return [...this]
      .toSorted((a, b) => b.perSecond - a.perSecond || b.calls - a.calls)
      .slice(0, MOST_ROWS)
      .map(({ row }) => row);
  }

  /** The names of methods that contain a text in lower case. */
  find(text: string, most: number): string[] {
    const names = [...this].map(({ name }) => name).filter((name) => name.toLowerCase().includes(text));
    return [...new Set(names)].slice(0, most);
  }
}
