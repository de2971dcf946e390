import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IpcChannel, IpcHost, IpcModule, IpcSession } from '@linnet/backend';
import { ipcChannel } from '@linnet/common';
import type { RpcStream } from '@linnet/common';
import { IpcClosedError, IpcFrontend, webSocketIpc } from '@linnet/frontend';
import type { WebSocketIpcOptions } from '@linnet/frontend';
import { until } from '../../harness/waiting.js';
import { FaultProxy } from './fault.proxy.js';
import type { Fault } from './fault.proxy.js';

const RUNS = 1000;
const AT_ONCE = 8;
const CALLS = 12;
const ITEMS = 25;
const PUSHES = 10;
/**
 * How long a frontend lets its backend be silent, and a connection be made. Both ends and all conversations share this
 * process: where they were cut for being slow, they would have to be made again, and be slower.
 */
const HEARTBEAT_MS = 150;
const CONNECT_MS = 2000;
/** As is a session that waits for a frontend which is slow to come back. */
const GRACE_MS = 20_000;
/** Calls of a machine that is busy otherwise may take long; what is lost is found out long before. */
const CALL_MS = 60_000;

/** The messages that each session of a run has received, in order, by the run. */
const taken = new Map<number, Map<string, number[]>>();

interface Streams {
  down(seed: number): AsyncIterable<unknown>;
  up(seed: number, items: RpcStream<unknown>): Promise<number>;
}

const streamsChannel = ipcChannel<Streams>('fault-streams', { methods: { down: { stream: true }, up: {} } });

/** The items of a stream, of every kind of frame. */
const itemOf = (seed: number, n: number): unknown =>
  [n, 'x'.repeat(20_000), Uint8Array.of(seed, n), { n }][(seed + n) % 4];

async function* items(seed: number): AsyncGenerator {
  for (let n = 0; n < ITEMS; n++) {
    if (n % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
    yield itemOf(seed, n);
  }
}

/** Reads a stream, whose items come once and in order. @returns how many there were */
async function check(seed: number, stream: AsyncIterable<unknown>): Promise<number> {
  let n = 0;
  for await (const item of stream) expect(isDeepStrictEqual(item, itemOf(seed, n++))).toBe(true);
  return n;
}

@IpcChannel(streamsChannel)
class StreamsHandler implements Streams {
  down(seed: number) {
    return items(seed);
  }
  up(seed: number, stream: RpcStream<unknown>) {
    return check(seed, stream);
  }
}

@IpcChannel('faults')
class FaultsHandler {
  constructor(private readonly session: IpcSession) {
    session.addListener('note', (_event, seed: number, n: number) => this.#add(seed, n));
  }
  #add(seed: number, n: number) {
    const ofRun = taken.get(seed)!;
    ofRun.set(this.session.id, [...(ofRun.get(this.session.id) ?? []), n]);
  }
  async take(seed: number, n: number, value: unknown) {
    this.#add(seed, n);
    return [n, value];
  }
  async pushes(count: number) {
    for (let i = 0; i < count; i++)
      void this.session.send('pushed', i, i % 3 === 0 ? Float64Array.of(i, 0.5) : 'text');
  }
  async ask(n: number) {
    return this.session.callIpcChannel('page', 'answer', n);
  }
}

@Module({
  imports: [IpcModule.forRoot({ heartbeatMs: 1000, invokeTimeoutMs: CALL_MS, resumeGraceMs: GRACE_MS })],
  providers: [FaultsHandler, StreamsHandler],
})
class FaultsModule {}

/** The same numbers for the same seed (mulberry32). */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const kinds: Fault['kind'][] = [
  'drop',
  'duplicate',
  'delay',
  'split',
  'cut before',
  'cut inside',
  'cut behind',
  'stutter',
  'stall',
];

interface Outcome {
  seed: number;
  plan: string;
  states: string[];
  isLost: boolean;
}

const open = new Set<IpcFrontend>();

/** WebSockets whose masks are those of a seed: by them it depends whether bytes that came twice are text. */
function masked(seed: number) {
  const mask = Buffer.alloc(4);
  mask.writeUInt32BE(random(~seed)(2 ** 32));
  return class extends WebSocket {
    constructor(url: string, protocols: string[]) {
      // Its types do not have this option.
      const options: object = { generateMask: (target: Buffer) => void mask.copy(target) };
      super(url, protocols, options);
    }
  };
}

/**
 * One conversation of each kind of message there is, over a connection with faults.
 *
 * @param last the fault that the last call meets, where it is to meet one
 */
async function run(seed: number, proxy: FaultProxy, last?: Fault['kind']): Promise<Outcome> {
  const next = random(seed);
  const faults = Array.from({ length: 1 + next(3) }, () => ({
    way: next(2) === 0 ? ('up' as const) : ('down' as const),
    frame: next(20),
    // Every kind in its turn, so that none is left out.
    kind: kinds[(seed + next(2)) % kinds.length]!,
  }));
  proxy.plan(faults);
  const plan = faults.map(({ way, frame, kind }) => `${kind} ${way} ${frame}`).join(', ');
  const webSocket = masked(seed) as unknown as NonNullable<WebSocketIpcOptions['webSocket']>;
  const frontend = new IpcFrontend(webSocketIpc(`ws://127.0.0.1:${proxy.port}/ipc`, { webSocket }), {
    reconnectMs: [1, 5],
    heartbeatMs: HEARTBEAT_MS,
    connectTimeoutMs: CONNECT_MS,
    invokeTimeoutMs: CALL_MS,
  });
  open.add(frontend);
  const ofRun = new Map<string, number[]>();
  taken.set(seed, ofRun);
  const states: string[] = [];
  const pushed: number[] = [];
  const asked: number[] = [];
  frontend.onStateChange((state, closure) => states.push(`${state} ${closure?.code ?? ''}`));
  frontend.addListener('pushed', (_event, i: number, extra: unknown) => {
    expect(isDeepStrictEqual(extra, i % 3 === 0 ? Float64Array.of(i, 0.5) : 'text')).toBe(true);
    pushed.push(i);
  });
  frontend.handle('page', (_method: string, n: number) => (asked.push(n), { result: n * 2 }));
  const values = [
    1,
    'é'.repeat(300),
    Uint8Array.of(1, 2, 3),
    'x'.repeat(70_000),
    new Float64Array(9000).fill(0.1),
  ];
  const proxied = frontend.makeIpcProxy<FaultsHandler>('faults');
  const streams = frontend.makeIpcProxy<Streams>(streamsChannel);
  const work: Promise<unknown>[] = [];
  let note = 1000;
  for (let n = 0; n < CALLS; n++) {
    const value = values[next(values.length)];
    work.push(
      proxied.take(seed, n, value).then((answer) => expect(isDeepStrictEqual(answer, [n, value])).toBe(true)),
    );
    frontend.send('note', seed, note++);
    if (n % 3 === 0) work.push(proxied.ask(n).then((answer) => expect(answer).toBe(n * 2)));
    if (n === 2) work.push(check(seed, streams.down(seed)).then((count) => expect(count).toBe(ITEMS)));
    if (n === 4) work.push(streams.up(seed, items(seed)).then((count) => expect(count).toBe(ITEMS)));
    if (n === 5) work.push(proxied.pushes(PUSHES));
    if (next(2) === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const outcomes = await Promise.allSettled(work);
  // The last note has no answer: one more call is behind it. It may meet a fault as well as those before it.
  if (last) proxy.plan([{ way: 'up', frame: 0, kind: last }]);
  if (!states.some((state) => state.startsWith('connecting')))
    outcomes.push(...(await Promise.allSettled([proxied.take(seed, CALLS, null)])));
  const failures = outcomes.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
  const isLost = states.some((state) => state.startsWith('connecting'));
  const context = { seed, plan, states };
  // Without a lost session nothing may fail, and whatever fails says that it was lost.
  if (!isLost)
    expect({ ...context, failures: failures.map(({ reason }) => String(reason).slice(0, 300)) }).toEqual({
      ...context,
      failures: [],
    });
  for (const { reason } of failures) expect(reason).toBeInstanceOf(IpcClosedError);
  if (!isLost) {
    const all = [...ofRun.values()];
    const expected = Array.from({ length: CALLS }, (_, n) => [n, 1000 + n]).flat();
    expect({ ...context, all }).toEqual({ ...context, all: [[...expected, CALLS]] });
    expect({ ...context, pushed }).toEqual({
      ...context,
      pushed: Array.from({ length: PUSHES }, (_, i) => i),
    });
    expect(asked).toEqual([0, 3, 6, 9]);
  } else {
    // Never twice, and in order, in whichever session.
    for (const list of ofRun.values()) {
      const numbers = list.filter((n) => n < 1000);
      expect({ ...context, numbers }).toEqual({
        ...context,
        numbers: [...new Set(numbers)].toSorted((a, b) => a - b),
      });
    }
    expect(pushed).toEqual([...new Set(pushed)].toSorted((a, b) => a - b));
    expect(states.filter((state) => state.startsWith('connecting'))).toHaveLength(1);
  }
  // Its farewell arrives.
  proxy.plan([]);
  frontend.close();
  open.delete(frontend);
  taken.delete(seed);
  return { seed, plan, states, isLost };
}

describe('faults of a connection', () => {
  let app: INestApplication;
  let proxies: FaultProxy[];
  beforeAll(async () => {
    app = await NestFactory.create(FaultsModule, { logger: false });
    await app.listen(0, '127.0.0.1');
    const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
    proxies = await Promise.all(Array.from({ length: AT_ONCE }, () => new FaultProxy(port).listen()));
  });
  afterAll(async () => {
    for (const frontend of open) frontend.close();
    for (const proxy of proxies) proxy.close();
    await app.close();
  });

  it(`lose no message, and deliver none twice, in ${RUNS} random plans`, async () => {
    const outcomes: Outcome[] = [];
    let seed = 0;
    await Promise.all(
      proxies.map(async (proxy) => {
        while (seed < RUNS) outcomes.push(await run(seed++, proxy));
      }),
    );
    const lost = outcomes.filter(({ isLost }) => isLost);
    const interrupted = outcomes.filter(({ states }) => states.some((state) => state.startsWith('inter')));
    // Only bytes that were made others lose a session: what TCP never does.
    expect(lost.filter(({ plan }) => !/stutter|duplicate/.test(plan))).toEqual([]);
    expect(interrupted.length).toBeGreaterThan(RUNS / 2);
    expect(lost.length).toBeLessThan(RUNS / 5);
  }, 400_000);

  it.each(kinds)(
    'do not lose the last call either: %s',
    async (kind) => {
      const seeds = proxies.map((_, i) => RUNS + i);
      const outcomes = await Promise.all(seeds.map((seed, i) => run(seed, proxies[i]!, kind)));
      expect(outcomes.map(({ seed }) => seed)).toEqual(seeds);
    },
    6 * GRACE_MS,
  );

  it(
    'leave no session behind',
    async () => {
      const host = app.get(IpcHost);
      await until(() => host.sessions.length === 0, 2 * GRACE_MS);
      expect(host.sessions).toHaveLength(0);
    },
    6 * GRACE_MS,
  );
});
