import { ipcChannel } from '@linnet/common';
import type { IpcFrontend, IpcMethodHandler, IpcProxy, RpcStream } from '@linnet/common';
import type { NetworkNode } from './network.nodes.js';

/** Streams between frontends and nodes. */
interface Flow {
  /** Numbers from 0. */
  count(to: number): AsyncIterable<number>;
  /** Sends no item, and does not end. */
  silence(): AsyncIterable<number>;
  /** Returns the items of a stream. */
  collect(items: RpcStream<number>): Promise<number[]>;
}

const flowChannel = ipcChannel<Flow>('flow', {
  methods: { count: { stream: true }, silence: { stream: true }, collect: {} },
});

/** So many items follow each other in one turn of the event loop. */
const BURST = 64;
const ENDLESS = 1e9;

/** Numbers from 0, in bursts. */
export async function* numbers(to: number): AsyncGenerator<number> {
  for (let i = 0; i < to; i++) {
    if (i % BURST === 0) await new Promise((resolve) => setImmediate(resolve));
    yield i;
  }
}

async function* silence(signal: AbortSignal): AsyncGenerator<number> {
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
  yield 0;
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** Serves the channel on a node. @returns how many streams have begun and ended there */
export function serveFlow({ server }: NetworkNode): { readonly begun: number; readonly ended: number } {
  const seen = { begun: 0, ended: 0 };
  async function* watched(items: AsyncIterable<number>) {
    seen.begun++;
    try {
      yield* items;
    } finally {
      seen.ended++;
    }
  }
  const methods = new Map<string, IpcMethodHandler>([
    ['count', ({ arguments: [to] }) => watched(numbers(to as number))],
    ['silence', ({ activity }) => watched(silence(activity.signal))],
    ['collect', ({ arguments: [items] }) => all(watched(items as AsyncIterable<number>))],
  ]);
  server.channels.register(flowChannel, { name: 'Flow', methods });
  return seen;
}

export function flowOf(frontend: IpcFrontend): IpcProxy<Flow> {
  return frontend.makeIpcProxy<Flow>(flowChannel);
}

/** Streams that do not end by themselves. */
interface EndlessStreams {
  /** The items of the results that the frontend has read. */
  readonly items: readonly number[];
  /** The names of the errors that the calls have ended with. */
  readonly errors: Promise<string[]>;
  /** Whether the producer of the argument was stopped. */
  readonly isStopped: boolean;
}

/** Opens a result with items, a result without items, and an argument. */
export function openEndless(frontend: IpcFrontend): EndlessStreams {
  const flow = flowOf(frontend);
  const items: number[] = [];
  let isStopped = false;
  async function* endless() {
    try {
      yield* numbers(ENDLESS);
    } finally {
      isStopped = true;
    }
  }
  const read = async (stream: AsyncIterable<number>) => {
    for await (const item of stream) items.push(item);
  };
  const calls = [read(flow.count(ENDLESS)), read(flow.silence()), flow.collect(endless())];
  const nameOf = (call: Promise<unknown>) =>
    call.then(
      () => 'none',
      (error: unknown) => (error as Error).name,
    );
  return {
    items,
    errors: Promise.all(calls.map(nameOf)),
    get isStopped() {
      return isStopped;
    },
  };
}
