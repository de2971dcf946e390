import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { IpcModule, memoryIpc, RpcClientModule } from '@linnet/backend';
import type { RpcClientModuleOptions } from '@linnet/backend';
import { createRpcClient, IpcFrontend, rpcOverIpc } from '@linnet/common';
import type { HttpSend, RpcProxy, RpcRequest } from '@linnet/common';
import { closeApps, startApp } from '../../harness/nest.harness.js';
import type { TestApp } from '../../harness/nest.harness.js';
import { settled, until } from '../../harness/waiting.js';
import { all, numbers } from '../flow.js';
import { Flow, FlowImpl, journal, readOneByOne } from './flow.js';

const at = ({ port }: TestApp) => `http://127.0.0.1:${port}`;
const appOptions = { forceCloseConnections: true };
const events = { Accept: 'text/event-stream' };

/** A relay to the origin of {@link Flow} that the options name. */
const startRelay = (options: RpcClientModuleOptions) =>
  startApp({
    imports: [
      IpcModule.forRoot(),
      RpcClientModule.forFeature([{ interface: Flow, expose: true, ...options }]),
    ],
    appOptions,
  });

const startOrigin = () => startApp({ providers: [FlowImpl], imports: [IpcModule.forRoot()], appOptions });

/** The bytes of a frame with a number below ten. */
const ITEM = 6;

/** Sends requests, and breaks the answers behind their first item, as often as asked. */
function breaking(times: number): { send: HttpSend; asked: (string | undefined)[] } {
  const asked: (string | undefined)[] = [];
  const send: HttpSend = async ({ url, headers, body, signal }) => {
    asked.push(headers['last-event-id']);
    const response = await fetch(url, { method: 'POST', headers, body: body as string, signal });
    const reader = response.body!.getReader();
    let isBegun = false;
    return {
      status: response.status,
      header: (name) => response.headers.get(name),
      body: new Uint8Array(),
      stream: {
        async next() {
          if (isBegun && times > 0) {
            times--;
            await reader.cancel();
            throw new Error('cut');
          }
          const { done, value } = await reader.read();
          if (done) return { done, value: undefined };
          isBegun = true;
          return { done: false, value: times > 0 ? value.subarray(0, ITEM) : value };
        },
        async return() {
          await reader.cancel();
          return { done: true, value: undefined };
        },
      },
    };
  };
  return { send, asked };
}

describe('a resumable operation behind a relay', () => {
  let origin: TestApp;

  beforeEach(async () => {
    journal.clear();
    origin = await startOrigin();
  });
  afterEach(closeApps);

  const continued = 'id: 4\ndata: 4\n\nid: 5\ndata: 5\n\nevent: end\ndata:\n\n';

  it('gets the last event id at its origin, and its events have the numbers of the origin', async () => {
    const relay = await startRelay({ uriPrefix: at(origin) });
    const headers = { ...events, 'Last-Event-ID': '3' };
    expect((await relay.call('Flow.from', [5], headers)).text).toBe(continued);
    expect((await origin.call('Flow.from', [5], headers)).text).toBe(continued);
  });

  it('gets it through two relays', async () => {
    const relay = await startRelay({ uriPrefix: at(await startRelay({ uriPrefix: at(origin) })) });
    expect((await relay.call('Flow.from', [5], { ...events, 'Last-Event-ID': '3' })).text).toBe(continued);
  });

  it('gets it over IPC', async () => {
    const frontend = new IpcFrontend(memoryIpc(origin.app));
    const relay = await startRelay({ transport: rpcOverIpc(frontend) });
    expect((await relay.call('Flow.from', [5], { ...events, 'Last-Event-ID': '3' })).text).toBe(continued);
    frontend.close();
  });

  it('is continued by a client whose connection to the relay breaks', async () => {
    const relay = await startRelay({ uriPrefix: at(origin) });
    const { send, asked } = breaking(2);
    const client = createRpcClient({ uriPrefix: at(relay), send, retry: { pauseMs: 10 } }).client(Flow);
    expect(await all(client.from(4))).toEqual([1, 2, 3, 4]);
    expect(asked).toEqual([undefined, '1', '2']);
  });

  it('is continued by the relay if its connection to the origin breaks', async () => {
    const { send, asked } = breaking(1);
    const relay = await startRelay({ uriPrefix: at(origin), send, retry: { pauseMs: 10 } });
    const headers = { ...events, 'Last-Event-ID': '3' };
    const text = [4, 5, 6].map((n) => `id: ${n}\ndata: ${n}\n\n`).join('');
    expect((await relay.call('Flow.from', [6], headers)).text).toBe(`${text}event: end\ndata:\n\n`);
    expect(asked).toEqual(['3', '4']);
  });

  it('is repeated by the relay while the origin cannot be reached', async () => {
    const { send, asked } = breaking(1);
    let failures = 2;
    const relay = await startRelay({
      uriPrefix: at(origin),
      retry: { pauseMs: 10 },
      send: async (request) => {
        if (asked.length > 0 && failures-- > 0) throw new Error('no origin');
        return send(request);
      },
    });
    const client = createRpcClient({ uriPrefix: at(relay) }).client(Flow);
    expect(await all(client.from(4))).toEqual([1, 2, 3, 4]);
    expect(failures).toBeLessThan(0);
  });

  it('gets no id of a call that begins', async () => {
    const requests: RpcRequest[] = [];
    const relay = await startRelay({
      transport: {
        exchange: async (request) => {
          requests.push(request);
          return { kind: 'error', error: new Error('enough') };
        },
      },
    });
    await relay.call('Flow.from', [5], events);
    await relay.call('Flow.from', [5], { ...events, 'Last-Event-ID': '7' });
    await relay.call('Flow.count', [5], { ...events, 'Last-Event-ID': '7' });
    expect(requests.map(({ lastEventId }) => lastEventId)).toEqual([undefined, 7, undefined]);
  });
});

const MIB = 1024 * 1024;
const frontends: IpcFrontend[] = [];

function overMemory({ app }: TestApp): RpcClientModuleOptions {
  const frontend = new IpcFrontend(memoryIpc(app));
  frontends.push(frontend);
  return { transport: rpcOverIpc(frontend) };
}

/** Both connections of a relay; and the most bytes that are on their way over them. */
const connections = [
  // The buffers of the sockets have several megabytes.
  { name: 'HTTP', to: (app: TestApp): RpcClientModuleOptions => ({ uriPrefix: at(app) }), most: 64 * MIB },
  // A window for each connection, and what is read before one has space.
  { name: 'IPC', to: overMemory, most: 2 * MIB },
];

/** Waits until a producer stands still, or has made more than `most` items. @returns how many */
async function standstill(name: string, most: number): Promise<number> {
  for (let before = -1; ;) {
    const now = journal.produced.get(name) ?? 0;
    if (now === before || now > most) return now;
    before = now;
    await settled();
  }
}

describe.each(connections)('a stream through a relay over $name', ({ to, most }) => {
  let flow: RpcProxy<Flow>;

  beforeEach(async () => {
    journal.clear();
    const relay = await startRelay(to(await startOrigin()));
    flow = createRpcClient(to(relay)).client(Flow);
  });
  afterEach(async () => {
    for (const frontend of frontends.splice(0)) frontend.close();
    await closeApps();
  });

  it('shows an item before the next one is made', async () => {
    expect(await readOneByOne(flow)).toEqual([
      { done: false, value: 1 },
      { done: false, value: 2 },
      { done: true, value: undefined },
    ]);
  });

  it('stops its producer if the reader pauses, and goes on if it reads again', async () => {
    const items = flow.watch('slow', 10_000)[Symbol.asyncIterator]();
    await items.next();
    const made = await standstill('slow', most / 10_000);
    expect(made * 10_000).toBeLessThan(most);
    while (journal.produced.get('slow') === made) await items.next();
    await items.return!();
    await until(() => journal.ended.includes('slow'));
  });

  it('stops its producer if the reader leaves', async () => {
    for await (const _ of flow.watch('left', 10_000)) break;
    await until(() => journal.ended.includes('left'));
  });

  it('ends with the error of its producer', async () => {
    await expect(all(flow.failing(2))).rejects.toMatchObject({ errorNumber: 4711, left: 2 });
  });

  it('goes up as an argument, and both ways at once', async () => {
    expect(await flow.sum(numbers(5000))).toBe(12_497_500);
    const content = new Blob([new Uint8Array(3 * MIB)]);
    expect(await flow.measure('blob', content)).toEqual({ bytes: 3 * MIB, sum: 0 });
    expect(await all(flow.copy(numbers(1000)))).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  });

  it('stops the producer of an argument that is not read to its end', async () => {
    let ended = 0;
    async function* pieces() {
      try {
        for (;;) yield new Uint8Array(100_000);
      } finally {
        ended++;
      }
    }
    expect(await flow.first(pieces())).toBeInstanceOf(Uint8Array);
    await until(() => ended === 1);
    expect(await flow.first(numbers(1e9, () => ended++))).toBe(0);
    await until(() => ended === 2);
  });
});
