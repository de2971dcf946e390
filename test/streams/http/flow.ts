import { randomBytes } from 'node:crypto';
import { ClientRequestContext, RpcInterface } from '@linnet/backend';
import { IModelError } from '@linnet/common';
import type { RpcOperations, RpcStream } from '@linnet/common';
import { until } from '../../harness/waiting.js';

/** Operations that answer with streams, and take them. */
export abstract class Flow extends RpcInterface {
  static readonly interfaceName = 'Flow';
  static interfaceVersion = '1.0.0';
  static readonly operations: RpcOperations<Flow> = {
    count: { stream: true, idempotency: 'safe' },
    items: { stream: true },
    failing: { stream: true },
    watch: { stream: true, allowResponseCompression: false },
    quiet: { stream: true },
    pieces: { stream: true },
    once: { stream: true },
    from: { stream: true, resumable: true },
    measure: {},
    sum: {},
    first: {},
    copy: { stream: true },
    report: {},
    reported: { stream: true },
  };
  /** Counts from 0, `to` excluded. */
  abstract count(to: number): AsyncIterable<number>;
  /** Values of every kind. */
  abstract items(): AsyncIterable<unknown>;
  /** Fails behind so many items. */
  abstract failing(after: number): AsyncIterable<number>;
  /** One item of so many characters after the other, until nobody reads any more. */
  abstract watch(name: string, length: number): AsyncIterable<string>;
  /** Gives no item, until nobody waits any more. */
  abstract quiet(name: string): AsyncIterable<number>;
  /** So many byte strings of so many bytes, in the same memory. */
  abstract pieces(count: number, bytes: number): AsyncIterable<Uint8Array>;
  /** One item, and the next one only after {@link pass}. */
  abstract once(name: string): AsyncIterable<number>;
  /** Counts on from the last item that the caller has. */
  abstract from(to: number): AsyncIterable<number>;
  abstract measure(name: string, content: RpcStream<Uint8Array>): Promise<{ bytes: number; sum: number }>;
  abstract sum(numbers: RpcStream<number>): Promise<number>;
  /** Reads one item and leaves. */
  abstract first(content: RpcStream<unknown>): Promise<unknown>;
  abstract copy(content: RpcStream<unknown>): AsyncIterable<unknown>;
  /** Reports numbers from 0, and fails behind them where `fails`. */
  abstract report(to: number, fails?: boolean): Promise<string>;
  /** Reports each item before it. */
  abstract reported(to: number): AsyncIterable<number>;
}

/** A record of the methods, by the names that their callers gave. */
export const journal = {
  produced: new Map<string, number>(),
  ended: [] as string[],
  failed: [] as string[],
  passes: new Map<string, () => void>(),
  clear(): void {
    this.produced.clear();
    this.ended.length = 0;
    this.failed.length = 0;
    this.passes.clear();
  },
};

/** Text that cannot be compressed much. */
const noise = randomBytes(10_000).toString('hex');

/** Items that {@link Flow.items} gives. */
export const allItems = (): unknown[] => [
  1,
  'two',
  null,
  undefined,
  { three: [3, { deep: true }] },
  Uint8Array.of(4, 5),
  { bytes: Uint8Array.of(6), more: [Uint8Array.of(7, 8)] },
  new Uint8Array(100_000).fill(9),
  'ü€🙂'.repeat(50_000),
];

@RpcInterface(Flow)
export class FlowImpl implements Flow {
  async *count(to: number) {
    for (let i = 0; i < to; i++) yield i;
  }

  async *items() {
    yield* allItems();
  }

  async *failing(after: number) {
    for (let i = 0; i < after; i++) yield i;
    throw Object.assign(new Error('no more'), { errorNumber: 4711, left: after });
  }

  async *watch(name: string, length: number) {
    try {
      for (let i = 1; ; i++) {
        journal.produced.set(name, i);
        yield noise.slice(0, length);
      }
    } finally {
      journal.ended.push(name);
    }
  }

  // eslint-disable-next-line require-yield -- nothing to give is the case
  async *quiet(name: string): AsyncGenerator<number> {
    const { signal } = ClientRequestContext.current;
    try {
      journal.produced.set(name, 0);
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    } finally {
      journal.ended.push(name);
    }
  }

  async *pieces(count: number, bytes: number) {
    const memory = new Uint8Array(bytes);
    for (let i = 0; i < count; i++) yield memory.fill(i);
  }

  async *once(name: string) {
    yield 1;
    await new Promise<void>((resolve) => journal.passes.set(name, resolve));
    yield 2;
  }

  async *from(to: number) {
    for (let i = ClientRequestContext.current.lastEventId ?? 0; i < to; i++) yield i + 1;
  }

  async measure(name: string, content: RpcStream<Uint8Array>) {
    let bytes = 0;
    let sum = 0;
    try {
      for await (const chunk of content) {
        bytes += chunk.byteLength;
        sum += chunk[0]! + chunk.at(-1)!;
        journal.produced.set(name, bytes);
      }
    } catch (error) {
      journal.failed.push(`${name}: ${(error as Error).message}`);
      throw error;
    }
    return { bytes, sum };
  }

  async sum(numbers: RpcStream<number>) {
    let sum = 0;
    for await (const number of numbers) sum += number;
    return sum;
  }

  async first(content: RpcStream<unknown>): Promise<unknown> {
    for await (const item of content) return item;
    return 'nothing';
  }

  async report(to: number, fails = false) {
    const { current } = ClientRequestContext;
    for (let i = 0; i < to; i++) {
      current.report(i);
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (fails) throw new IModelError(81, 'failed behind reports');
    return 'done';
  }
  async *reported(to: number) {
    for (let i = 0; i < to; i++) {
      ClientRequestContext.current.report(`before ${i}`);
      yield i;
    }
  }
  async *copy(content: RpcStream<unknown>) {
    yield* content;
  }
}

/** Reads {@link Flow.once}, whose second item is made only when the first one has arrived. */
export async function readOneByOne(flow: Pick<Flow, 'once'>): Promise<IteratorResult<number>[]> {
  const items = flow.once('one')[Symbol.asyncIterator]();
  const first = await items.next();
  const pass = await until(() => journal.passes.get('one'));
  pass();
  return [first, await items.next(), await items.next()];
}
