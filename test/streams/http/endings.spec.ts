import { getEventListeners } from 'node:events';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ClientRequestContext } from '@linnet/backend';
import { createRpcServer } from '@linnet/backend/node';
import { createFetchServer, createRpcClient, inMemoryHttp } from '@linnet/common';
import type { RpcClientOptions, RpcProxy } from '@linnet/common';
import { until } from '../../harness/waiting.js';
import { listen } from '../../rpc/plain/plain.servers.js';
import { bindItems } from '../../../libs/backend/src/call/stream.context.js';
import { all, FlowImpl, FlowRpc, forget, numbers, seen } from '../flow.js';

type Flow = RpcProxy<FlowRpc>;

/** A server, and its clients. */
interface Server {
  client(options: RpcClientOptions): Flow;
  /** Breaks all connections. */
  disconnect?(): void;
  /** @returns the number of calls that the server believes to be running */
  stop?(): Promise<number>;
}

function startInMemory(): Server {
  const { service } = createFetchServer({
    interfaces: [[FlowRpc, FlowImpl]],
    report: () => undefined,
    run: (activity, work) => ClientRequestContext.run(activity, work),
    around: (call, next) => ClientRequestContext.run(call.activity, next),
    bindItems,
  });
  const send = inMemoryHttp(service.handler);
  return { client: (more) => createRpcClient({ ...more, send }).client<FlowRpc>(FlowRpc) };
}

async function startOverSockets(): Promise<Server> {
  const server = createRpcServer({ interfaces: [[FlowRpc, FlowImpl]], report: () => undefined });
  const http = createServer(server.handler);
  const sockets = new Set<Socket>();
  http.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const { url, stop } = await listen(http);
  return {
    client: (more) => createRpcClient({ ...more, uriPrefix: url }).client<FlowRpc>(FlowRpc),
    disconnect() {
      for (const socket of sockets) socket.destroy();
    },
    async stop() {
      const open = await server.close(0);
      await stop();
      return open;
    },
  };
}

/** Producers of arguments that have begun, and that have run their `finally`. */
const sources = { begun: 0, finished: 0 };

async function* source(to: number, failAt = -1, before: (item: number) => unknown = () => undefined) {
  sources.begun++;
  try {
    for await (const number of numbers(to)) {
      if (number === failAt) throw new Error('no more');
      await before(number);
      yield number;
    }
  } finally {
    sources.finished++;
  }
}

interface Ending {
  /** Uses a stream until its end. */
  use(flow: Flow, server: Server): Promise<unknown>;
  /** Whether the method surely begins. */
  method?: boolean;
  /** Whether the producer of the argument surely begins. */
  argument?: boolean;
}

/** Uses a stream whose call is aborted when `use` says so. */
async function aborted(flow: Flow, use: (flow: Flow, abort: () => void) => Promise<unknown>): Promise<void> {
  const controller = new AbortController();
  const { signal } = controller;
  await expect(use(flow.with({ signal }), () => controller.abort(new Error('enough')))).rejects.toThrow(
    'enough',
  );
  expect(getEventListeners(signal, 'abort')).toEqual([]);
}

const endings: Record<string, Ending> = {
  'were read to their end': { use: (flow) => all(flow.count(3)), method: true },
  'were left by their reader': {
    async use(flow) {
      for await (const _ of flow.wait()) break;
    },
    method: true,
  },
  'were returned': {
    async use(flow) {
      const items = flow.wait()[Symbol.asyncIterator]();
      await items.next();
      await items.return!();
    },
    method: true,
  },
  'had a reader that failed': {
    async use(flow) {
      for await (const _ of flow.wait()) throw new Error('no');
    },
    method: true,
  },
  'failed at once': { use: (flow) => all(flow.count(3, 0)), method: true },
  'failed in the middle': { use: (flow) => all(flow.count(3, 2)), method: true },
  'were aborted': {
    use: (flow) =>
      aborted(flow, async (each, abort) => {
        for await (const _ of each.wait()) abort();
      }),
    method: true,
  },
  'met their deadline': { use: (flow) => all(flow.with({ timeoutMs: 1 }).wait()) },
  'lost their connection': {
    async use(flow, server) {
      for await (const _ of flow.wait()) server.disconnect!();
    },
  },
  'were arguments': { use: (flow) => flow.sum(source(3)), method: true, argument: true },
  'were arguments, and left by their reader': {
    use: (flow) => flow.sum(source(20), 1),
    method: true,
    argument: true,
  },
  'were arguments, and failed at once': { use: (flow) => flow.sum(source(3, 0)), argument: true },
  'were arguments, and failed in the middle': { use: (flow) => flow.sum(source(3, 2)), argument: true },
  'were arguments, and aborted': {
    use: (flow) => aborted(flow, (each, abort) => each.hold(source(3, -1, (item) => item > 0 && abort()))),
    argument: true,
  },
  'were arguments, and met their deadline': { use: (flow) => flow.with({ timeoutMs: 1 }).hold(source(20)) },
  'went in both directions, and lost their connection': {
    async use(flow, server) {
      // Made until the connection is lost, an item in each turn of the event loop.
      const endless = source(Infinity, -1, () => new Promise((resolve) => setImmediate(resolve)));
      for await (const _ of flow.twice(endless)) server.disconnect!();
    },
  },
};

const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

/** `STREAM_ENDINGS=10000 npm test -- test/streams/http/endings` runs each ending as often over sockets as well. It takes some minutes. */
const requested = Number(process.env['STREAM_ENDINGS']) || undefined;

describe.each([
  { way: 'in memory', times: requested ?? 10_000, atOnce: 200, start: startInMemory },
  { way: 'over sockets', times: requested ?? 200, atOnce: 50, start: startOverSockets },
])('$way', ({ times, atOnce, start }) => {
  const shared = new AbortController();
  let server: Server;
  let flow: Flow;

  beforeAll(async () => {
    server = await start();
    flow = server.client({}).with({ signal: shared.signal });
  });
  afterAll(async () => {
    if (server.stop) expect(await server.stop()).toBe(0);
  });

  async function end({ use }: Ending, count: number): Promise<void> {
    forget();
    Object.assign(sources, { begun: 0, finished: 0 });
    for (let n = 0; n < count; n += atOnce)
      await Promise.all(
        Array.from({ length: Math.min(atOnce, count) }, () => use(flow, server).catch(() => undefined)),
      );
    await until(() => seen.finished === seen.begun && sources.finished === sources.begun);
  }

  it.each(Object.entries(endings).filter(([how]) => start !== startInMemory || !how.includes('lost')))(
    `nothing is left of ${times} streams that %s`,
    async (_how, ending) => {
      await end(ending, 1);
      const before = timers();
      await end(ending, times);
      if (ending.method) expect(seen.begun).toBe(times);
      if (ending.argument) expect(sources.begun).toBe(times);
      // A connection that is kept open has a timer of its own.
      await until(() => timers() <= before + atOnce / 10);
      expect(getEventListeners(shared.signal, 'abort')).toEqual([]);
    },
  );
});
