import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { WebSocket } from 'ws';
import { closeIpcApps, startIpcApp } from '../../harness/ipc.harness.js';
import type { IpcTestApp } from '../../harness/ipc.harness.js';
import { settled, until } from '../../harness/waiting.js';
import { flowChannel, FlowHandler, FlowImpl, forget, seen } from '../flow.js';

const CHANNEL = `itwin.${flowChannel.name}`;

/** A frontend that writes frames of the durable wire by hand. */
class RawDurable {
  readonly received: unknown[][] = [];
  closed: number | undefined;
  #next = 0;

  private constructor(private readonly socket: WebSocket) {
    socket.on('message', (data, isBinary) => {
      if (!isBinary) this.received.push(...(JSON.parse(String(data)) as unknown[][]).filter(Array.isArray));
    });
    socket.on('close', (code) => (this.closed = code));
  }

  static async open(port: number): Promise<RawDurable> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ipc`, ['linnet.ipc.1']);
    const frontend = new RawDurable(socket);
    await new Promise((resolve) => socket.once('open', resolve));
    socket.send('[9]');
    await new Promise((resolve) => socket.once('message', resolve));
    return frontend;
  }

  send(...messages: unknown[]): void {
    this.socket.send(JSON.stringify([this.#next, ...messages]));
    this.#next += messages.length;
  }

  sendText(text: string, count = 1): void {
    this.socket.send(`[${this.#next},${text}]`);
    this.#next += count;
  }

  /** The messages of a type about a call. */
  of(type: number, request: number): unknown[][] {
    return this.received.filter((message) => message[0] === type && message[1] === request);
  }

  /** How many items of the result of a call have come. */
  items(request: number): number {
    return this.of(5, request).reduce((sum, message) => sum + message.length - 3, 0);
  }

  end(): void {
    this.socket.terminate();
  }
}

const call = (request: number, method: string, args: unknown[], slots: unknown, timeoutMs = 0) => [
  2,
  request,
  CHANNEL,
  method,
  args,
  'a',
  timeoutMs,
  slots,
];

describe('a frontend that breaks the rules of streams', () => {
  let app: IpcTestApp;
  let raw: RawDurable;
  beforeEach(async () => {
    forget();
    app = await startIpcApp({ rpc: {}, providers: [FlowHandler, FlowImpl] });
    raw = await RawDurable.open(app.port);
  });
  afterEach(async () => {
    raw.end();
    await closeIpcApps();
  });

  it('never opens a window: the producer stops, and little is sent', async () => {
    raw.send(call(1, 'bytes', [10_000, 1e9], [0]), call(2, 'count', [1e9], [0]));
    await until(() => raw.items(2) > 5000);
    for (let before = -1; before !== seen.produced; await settled()) before = seen.produced;
    expect(seen.produced).toBeLessThan(15_000);
    expect(raw.closed).toBeUndefined();
  });

  it('sends items that nobody reads without end: its session ends, and no other', async () => {
    const other = await RawDurable.open(app.port);
    raw.send(call(1, 'hold', [null], [1]));
    const item = JSON.stringify([5, 1, 1, 'x'.repeat(100_000)]);
    for (let i = 0; i < 300 && raw.closed === undefined; i++) {
      raw.sendText(item);
      await settled();
    }
    await until(() => raw.closed !== undefined);
    expect(raw.closed).toBe(1008);
    other.send(call(1, 'plain', [], []));
    await until(() => other.of(3, 1).length > 0);
    other.end();
  });

  it('sends very many items in one message: its session ends', async () => {
    raw.send(call(1, 'hold', [null], [1]));
    raw.sendText(`[5,1,1${',0'.repeat(1_000_000)}]`);
    await until(() => raw.closed !== undefined);
    expect(raw.closed).toBe(1008);
  });

  it('sends items in one message to a reader that leaves at the second one: the others are ignored', async () => {
    raw.send(call(1, 'sum', [null, 2], [1]));
    raw.sendText(`[5,1,1${',4'.repeat(10_000)}]`);
    await until(() => raw.of(3, 1).length > 0);
    expect(raw.of(3, 1)[0]![3]).toEqual({ result: 8 });
    raw.send(call(2, 'plain', [], []));
    await until(() => raw.of(3, 2).length > 0);
    expect(raw.closed).toBeUndefined();
  });

  it.each<[string, unknown, number]>([
    ['a list of streams that is none', 'x', 1002],
    ['a stream with a number that is none', [-1], 1002],
    ['the same stream twice', [1, 1], 1002],
    ['very many streams', Array.from({ length: 17 }, (_, i) => i), 1002],
  ])('announces %s: its session ends', async (_name, slots, code) => {
    raw.send(call(1, 'sum', [null], slots));
    await until(() => raw.closed !== undefined);
    expect(raw.closed).toBe(code);
  });

  it('announces a stream for an argument that is missing: the call fails alone', async () => {
    raw.send(call(1, 'sum', [], [7]), call(2, 'plain', [], []));
    await until(() => raw.of(3, 2).length > 0);
    expect(raw.of(3, 1)[0]![3]).toMatchObject({ error: { message: expect.stringContaining('argument 7') } });
  });

  it('uses the number of a running call again: its session ends', async () => {
    raw.send(call(1, 'wait', [], [0]));
    await until(() => raw.of(5, 1).length === 1);
    raw.send(call(1, 'wait', [], [0]));
    await until(() => raw.closed !== undefined);
    expect(raw.closed).toBe(1002);
    await until(() => seen.finished === seen.begun);
  });

  it('sends items and ends of streams that are over, or never were: they are ignored', async () => {
    raw.send(call(1, 'plain', [], []), [5, 1, 1, 'x'], [6, 1, 1], [7, 1, 0, 3], [5, 99, 0, 1], [7, 99, 1]);
    raw.send(call(2, 'sum', [null], [1]), [5, 2, 1, 4], [6, 2, 1], [5, 2, 1, 5], [6, 2, 1]);
    await until(() => raw.of(3, 2).length > 0);
    expect(raw.of(3, 2)[0]![3]).toEqual({ result: 4 });
    expect(raw.closed).toBeUndefined();
  });

  it('has taken more items than were sent: its session ends', async () => {
    raw.send(call(1, 'wait', [], [0]));
    await until(() => raw.of(5, 1).length === 1);
    raw.send([7, 1, 0, 2]);
    await until(() => raw.closed !== undefined);
    expect(raw.closed).toBe(1002);
  });

  it('leaves a result by a message of its reader: the call ends', async () => {
    raw.send(call(1, 'wait', [], [0]));
    await until(() => raw.of(5, 1).length === 1);
    raw.send([7, 1, 0]);
    await until(() => seen.finished === 1);
    expect(seen.aborted).toBe(1);
    raw.send(call(1, 'wait', [], [0]));
    await until(() => raw.of(5, 1).length === 2);
    expect(raw.closed).toBeUndefined();
  });

  it.each([
    ['without a number', [5]],
    ['without a stream', [6, 1]],
    ['with a text as number', [7, 'x', 0, 1]],
    ['with a count that is none', [7, 1, 0, -1]],
  ])('sends a message of streams %s: its session ends', async (_name, message) => {
    raw.send(message);
    await until(() => raw.closed !== undefined);
    expect(raw.closed).toBe(1002);
  });

  it('sends an item with a prototype, or one that is too long: that stream fails alone', async () => {
    raw.send(call(1, 'sum', [null], [1]), call(2, 'sum', [null], [1]));
    raw.sendText('[5,1,1,{"__proto__":{"x":1}}]');
    await until(() => raw.of(3, 1).length > 0);
    raw.sendText(`[5,2,1,"${'x'.repeat(65 * 1024 * 1024)}"]`);
    await until(() => raw.of(3, 2).length > 0);
    for (const request of [1, 2]) expect(raw.of(3, request)[0]![3]).toHaveProperty('error');
    expect(raw.closed).toBeUndefined();
    raw.send(call(3, 'plain', [], []));
    await until(() => raw.of(3, 3).length > 0);
    expect(({} as { x?: number }).x).toBeUndefined();
  });

  it('cancels a call whose stream has not begun: nothing is sent, and the producer stops', async () => {
    raw.send(call(1, 'count', [1e9], [0]), [4, 1], call(2, 'plain', [], []));
    await until(() => raw.of(3, 2).length > 0);
    await settled();
    expect(raw.items(1)).toBeLessThan(10_000);
    expect(seen.finished).toBe(seen.begun);
  });
});
