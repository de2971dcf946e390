import { ClientRequestContext, IpcChannel, RpcInterface } from '@linnet/backend';
import { IModelError, ipcChannel, RpcInterface as Definition } from '@linnet/common';
import type { RpcOperations, RpcStream } from '@linnet/common';

/** Counts the work of producers and consumers, for all tests of a file. */
export const seen = { begun: 0, finished: 0, produced: 0, consumed: 0, completed: 0, aborted: 0 };

export function forget(): void {
  Object.assign(seen, { begun: 0, finished: 0, produced: 0, consumed: 0, completed: 0, aborted: 0 });
}

export interface Flow {
  /** Numbers from 0, after a failure at `failAt` where there is one. */
  count(to: number, failAt?: number): AsyncIterable<number>;
  /** Byte arrays of a size, each filled with its number. */
  bytes(size: number, count: number): AsyncIterable<Uint8Array>;
  /** One item, and then nothing until the reader leaves. */
  wait(): AsyncIterable<string>;
  /** Fails before it returns a stream. */
  refuse(): AsyncIterable<number>;
  /** The sum of numbers; reads only the first `most`. */
  sum(numbers: RpcStream<number>, most?: number): Promise<number>;
  /** The bytes of a stream, and how many pieces they came in. */
  size(content: RpcStream<Uint8Array>): Promise<number>;
  /** Doubles every number as it arrives. */
  twice(numbers: RpcStream<number>): AsyncIterable<number>;
  /** Reads nothing of a stream until its call ends. */
  hold(numbers: RpcStream<number>): Promise<void>;
  /** Reports numbers from 0 as progress. */
  report(to: number): Promise<string>;
  /** Not a stream. */
  plain(): Promise<string>;
}

/** The policies of the methods, on both ways. */
const policies = {
  count: { stream: true },
  bytes: { stream: true },
  wait: { stream: true },
  refuse: { stream: true },
  sum: {},
  size: {},
  twice: { stream: true },
  hold: {},
  report: {},
  plain: {},
} as const;

export const flowChannel = ipcChannel<Flow>('flow', { methods: policies });

export abstract class FlowRpc extends Definition implements Flow {
  static readonly interfaceName = 'FlowRpc';
  static interfaceVersion = '1.0.0';
  static readonly operations: RpcOperations<FlowRpc> = policies;
  abstract count(to: number, failAt?: number): AsyncIterable<number>;
  abstract bytes(size: number, count: number): AsyncIterable<Uint8Array>;
  abstract wait(): AsyncIterable<string>;
  abstract refuse(): AsyncIterable<number>;
  abstract sum(numbers: RpcStream<number>, most?: number): Promise<number>;
  abstract size(content: RpcStream<Uint8Array>): Promise<number>;
  abstract twice(numbers: RpcStream<number>): AsyncIterable<number>;
  abstract hold(numbers: RpcStream<number>): Promise<void>;
  abstract report(to: number): Promise<string>;
  abstract plain(): Promise<string>;
}

/** A call may be over before its method begins. */
async function aborted(): Promise<void> {
  const { signal } = ClientRequestContext.current;
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
}

/** The methods of both. */
class FlowMethods implements Flow {
  async *count(to: number, failAt = -1) {
    seen.begun++;
    try {
      for (let i = 0; i < to; i++) {
        if (i === failAt) throw new IModelError(77, `failed at ${i}`);
        seen.produced++;
        yield i;
      }
    } finally {
      seen.finished++;
    }
  }

  async *bytes(size: number, count: number) {
    for (let i = 0; i < count; i++) {
      seen.produced++;
      yield new Uint8Array(size).fill(i);
    }
  }

  async *wait() {
    seen.begun++;
    try {
      yield 'here';
      await aborted();
      seen.aborted++;
    } finally {
      seen.finished++;
    }
  }

  refuse(): AsyncIterable<number> {
    throw new IModelError(78, 'refused');
  }

  async sum(numbers: RpcStream<number>, most = Infinity) {
    seen.begun++;
    let sum = 0;
    let count = 0;
    try {
      if (most === 0) return 0;
      for await (const number of numbers) {
        seen.consumed++;
        sum += number;
        if (++count >= most) break;
      }
      seen.completed++;
      return sum;
    } finally {
      seen.finished++;
    }
  }

  async size(content: RpcStream<Uint8Array>) {
    let size = 0;
    for await (const piece of content) size += piece.byteLength;
    return size;
  }

  async *twice(numbers: RpcStream<number>) {
    for await (const number of numbers) yield 2 * number;
  }

  async hold(_numbers: RpcStream<number>) {
    seen.begun++;
    await aborted();
    seen.finished++;
  }

  async report(to: number) {
    const { current } = ClientRequestContext;
    for (let i = 0; i < to; i++) {
      current.report(i);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return 'done';
  }

  async plain() {
    return 'plain';
  }
}

@IpcChannel(flowChannel)
export class FlowHandler extends FlowMethods {}

@RpcInterface(FlowRpc)
export class FlowImpl extends FlowMethods {}

/** Numbers from 0, with a mark when the generator has ended. */
export async function* numbers(to: number, ended: () => void = () => undefined): AsyncGenerator<number> {
  try {
    for (let i = 0; i < to; i++) {
      seen.produced++;
      yield i;
    }
  } finally {
    ended();
  }
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
