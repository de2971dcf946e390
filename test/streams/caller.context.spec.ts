import { AsyncLocalStorage } from 'node:async_hooks';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createRpcClient, IpcFrontend, rpcOverIpc } from '@linnet/common';
import { webSocketIpc } from '@linnet/frontend';
import { STREAM_WINDOW } from '../../libs/common/src/base/limits.js';
import { OutgoingStream } from '../../libs/common/src/ipc/stream/outgoing.stream.js';
import { closeIpcApps, startIpcApp } from '../harness/ipc.harness.js';
import { settled, until } from '../harness/waiting.js';
import { flowChannel, FlowHandler, FlowImpl, FlowRpc } from './flow.js';
import type { Flow } from './flow.js';
import { servers } from './http/servers.js';

// A caller in Node, as a backend that calls another one. Its store may name a tenant, or the user whose credentials go on.

interface Caller {
  /** Sends a stream whose bytes are counted. */
  size(content: AsyncIterable<Uint8Array>): Promise<number>;
  /** Sends a stream that the method leaves behind its first item. */
  first(content: AsyncIterable<unknown>): Promise<unknown>;
  /** Calls a method that reports numbers as progress. */
  report(to: number, onProgress: (value: unknown) => void): Promise<unknown>;
  stop(): Promise<unknown>;
}

async function overIpc(connect: (frontend: IpcFrontend, options: object) => Flow): Promise<Caller> {
  const { port, close } = await startIpcApp({ rpc: {}, providers: [FlowHandler, FlowImpl] });
  const frontend = new IpcFrontend(webSocketIpc(`ws://127.0.0.1:${port}/ipc`));
  const flow = (options = {}) => connect(frontend, options);
  return {
    size: (content) => flow().size(content),
    first: (content) => flow().sum(content as AsyncIterable<number>, 1),
    report: (to, onProgress) => flow({ onProgress }).report(to),
    stop: () => (frontend.close(), close()),
  };
}

const callers: Record<string, () => Promise<Caller>> = {
  IPC: () => overIpc((frontend, options) => frontend.makeIpcProxy<Flow>(flowChannel, options)),
  'RPC over IPC': () =>
    overIpc((frontend, options) =>
      createRpcClient({ transport: rpcOverIpc(frontend) })
        .client(FlowRpc)
        .with(options),
    ),
};
for (const [name, start] of Object.entries(servers))
  callers[name] = async () => {
    const server = await start();
    const flow = server.client();
    return {
      size: async (content) => (await flow.measure('size', content)).bytes,
      first: (content) => flow.first(content),
      report: (to, onProgress) => flow.with({ onProgress }).report(to),
      stop: () => server.stop(),
    };
  };

describe.each(Object.entries(callers))('the AsyncLocalStorage of a caller over %s', (_name, start) => {
  const store = new AsyncLocalStorage<string>();
  /** By caller, the stores in which its code has run. */
  const seen: Record<string, Set<unknown>> = {};
  const look = (caller: string) => (seen[caller] ??= new Set()).add(store.getStore());
  let caller: Caller;

  beforeAll(async () => {
    // It opens the connection, which calls of others use.
    caller = await start();
    await store.run('first', () => caller.report(1, () => undefined));
  });
  afterAll(async () => {
    await caller.stop();
    await closeIpcApps();
  });

  const together = (work: (name: string) => Promise<unknown>) =>
    Promise.all(['ann', 'bob', 'eve'].map((name) => store.run(name, () => work(name))));
  const own = { ann: new Set(['ann']), bob: new Set(['bob']), eve: new Set(['eve']) };
  const forget = () => {
    for (const name of Object.keys(seen)) delete seen[name];
  };

  it('is there whenever an item of a stream is made', async () => {
    forget();
    // Some windows of bytes: later items are made when the peer has read earlier ones.
    async function* pieces(name: string) {
      for (let i = 0; i < 40; i++) {
        look(name);
        yield new Uint8Array(50_000);
      }
    }
    expect(await together((name) => caller.size(pieces(name)))).toEqual([2e6, 2e6, 2e6]);
    expect(seen).toEqual(own);
  });

  it('is there when a method leaves a stream', async () => {
    forget();
    let ended = 0;
    async function* pieces(name: string) {
      try {
        for (let i = 0; i < 100_000; i++) yield new Uint8Array(10_000);
      } finally {
        look(name);
        ended++;
      }
    }
    await together((name) => caller.first(pieces(name)));
    await until(() => ended === 3);
    expect(seen).toEqual(own);
  });

  it('is there when a method reports progress', async () => {
    forget();
    await together((name) => caller.report(5, () => look(name)));
    expect(seen).toEqual(own);
  });
});

it('the AsyncLocalStorage of a caller is there when its peer makes space in a full window', async () => {
  const store = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  let ended = 0;
  async function* items() {
    for (let i = 0; i < 3; i++) {
      seen.push(store.getStore());
      yield i;
    }
  }
  const sink = { backpressure: () => undefined, item: () => STREAM_WINDOW, ended: () => void ended++ };
  const stream = new OutgoingStream(items(), sink);
  store.run('ann', () => stream.pull());
  for (let i = 1; i <= 3; i++) {
    await settled();
    expect(seen).toHaveLength(i);
    expect(stream.taken(1)).toBe(true);
  }
  await until(() => ended === 1);
  expect(seen).toEqual(['ann', 'ann', 'ann']);
});
