import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { memoryIpc } from '@linnet/backend';
import { createFetchServer, createRpcClient, IpcClosedError, IpcFrontend, rpcOverIpc } from '@linnet/common';
import type { RpcProxy } from '@linnet/common';
import { webSocketIpc } from '@linnet/frontend';
import { createServer } from 'node:http';
import { createRpcServer } from '@linnet/backend/node';
import { startIpcApp } from '../harness/ipc.harness.js';
import { startApp, ways } from '../harness/nest.harness.js';
import { until } from '../harness/waiting.js';
import { streamingBridge } from '../rpc/plain/fetch.bridge.js';
import { listen } from '../rpc/plain/plain.servers.js';
import {
  all,
  flowChannel,
  FlowHandler,
  FlowImpl as FlowRpcImpl,
  FlowRpc,
  forget,
  numbers,
  seen,
} from './flow.js';
import type { Flow as FlowMethods } from './flow.js';
import { Flow, FlowImpl, journal } from './http/flow.js';

/** A server, and its end: calls have this long to finish, in milliseconds. */
interface Closing {
  client: RpcProxy<Flow>;
  close(): Promise<unknown>;
}
type Start = (graceMs: number) => Promise<Closing>;

const stops: (() => Promise<unknown>)[] = [];
const clientAt = (uriPrefix: string) => createRpcClient({ uriPrefix }).client<Flow>(Flow);
const overNest =
  (name: keyof typeof ways): Start =>
  async (shutdownTimeoutMs) => {
    const { port, close } = await startApp({
      way: ways[name]!,
      providers: [FlowImpl],
      options: { shutdownTimeoutMs },
      appOptions: { forceCloseConnections: true },
    });
    return { client: clientAt(`http://127.0.0.1:${port}`), close };
  };
const servers: Record<string, Start> = {
  Express: overNest('the stock Express adapter'),
  Fastify: overNest('Fastify'),
  'node:http': async (graceMs) => {
    const rpc = createRpcServer({ interfaces: [[Flow, FlowImpl]], report: () => undefined });
    const { url, stop } = await listen(createServer(rpc.handler));
    stops.push(stop);
    return { client: clientAt(url), close: () => rpc.close(graceMs) };
  },
  fetch: async (graceMs) => {
    const rpc = createFetchServer({ interfaces: [[Flow, FlowImpl]], report: () => undefined });
    const { url, stop } = await listen(createServer(streamingBridge(rpc.fetch)));
    stops.push(stop);
    return { client: clientAt(url), close: () => rpc.close(graceMs) };
  },
};

describe.each(Object.entries(servers))('the end of a server by way of %s', (_name, start) => {
  beforeEach(() => journal.clear());
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
  });

  it('waits for a stream that ends in time', async () => {
    const { client, close } = await start(30_000);
    const items = all(client.once('late'));
    const pass = await until(() => journal.passes.get('late'));
    const closed = close();
    pass();
    expect(await items).toEqual([1, 2]);
    await closed;
  });

  it('ends a stream that goes on with an error, and runs its finally', async () => {
    const { client, close } = await start(20);
    const items = client.watch('open', 10)[Symbol.asyncIterator]();
    await items.next();
    const failure = all({ [Symbol.asyncIterator]: () => items }).catch((error: unknown) => error);
    await close();
    expect(await failure).toMatchObject({ name: 'ServerError', status: -1 });
    await until(() => journal.ended.includes('open'));
  });

  it('ends a stream among the arguments with an error, on both sides', async () => {
    const { client, close } = await start(20);
    let hasEnded = false;
    async function* endless() {
      try {
        for (;;) yield new Uint8Array(1000);
      } finally {
        hasEnded = true;
      }
    }
    const failure = client.measure('upload', endless()).catch((error: unknown) => error);
    await until(() => journal.produced.has('upload'));
    await close();
    expect(await failure).toBeInstanceOf(Error);
    await until(() => hasEnded && journal.failed.length === 1);
  });
});

describe.each(['WebSocket', 'memory'])('the end of an application with streams over %s', (way) => {
  beforeEach(forget);

  it('ends each stream with the closure of its session, and runs its finally', async () => {
    const { app, port, close } = await startIpcApp({
      rpc: {},
      providers: [FlowHandler, FlowRpcImpl],
      ipc: { shutdownTimeoutMs: 20 },
    });
    const connector = way === 'memory' ? memoryIpc(app) : webSocketIpc(`ws://127.0.0.1:${port}/ipc`);
    const frontend = new IpcFrontend(connector, { reconnect: false });
    const flows: Pick<FlowMethods, 'wait' | 'hold'>[] = [
      frontend.makeIpcProxy<FlowMethods>(flowChannel),
      createRpcClient({ transport: rpcOverIpc(frontend) }).client(FlowRpc),
    ];
    let ended = 0;
    const failures = flows
      .flatMap((flow): Promise<unknown>[] => [all(flow.wait()), flow.hold(numbers(Infinity, () => ended++))])
      .map((call) => call.catch((error: unknown) => error));
    await until(() => seen.begun === 4);
    await close();
    for (const failure of await Promise.all(failures)) expect(failure).toBeInstanceOf(IpcClosedError);
    await until(() => seen.finished === 4 && ended === 2);
    frontend.close();
  });
});
