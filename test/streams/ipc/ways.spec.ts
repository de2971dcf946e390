import { MessageChannel } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createRpcClient, IpcClosedError, IpcFrontend, messagePortIpc, rpcOverIpc } from '@linnet/common';
import type { RpcCallOptions } from '@linnet/common';
import { memoryIpc, serveMessagePort } from '@linnet/backend';
import { webSocketIpc } from '@linnet/frontend';
import { closeIpcApps, startIpcApp } from '../../harness/ipc.harness.js';
import type { IpcTestApp } from '../../harness/ipc.harness.js';
import { settled, until } from '../../harness/waiting.js';
import { Desktop } from '../../ipc/electron/desktop.harness.js';
import { all, flowChannel, FlowHandler, FlowImpl, FlowRpc, forget, numbers, seen } from '../flow.js';
import type { Flow } from '../flow.js';

/** The most bytes of one message. */
const MESSAGE_BYTES = 4 * 1024 * 1024;

/** A main process with windows, for all tests of an application. */
let desktop: Desktop | undefined;

/** By name: how a frontend reaches the backend. */
const connectors: Record<string, (app: IpcTestApp) => IpcFrontend | Promise<IpcFrontend>> = {
  WebSocket: ({ port }) => new IpcFrontend(webSocketIpc(`ws://127.0.0.1:${port}/ipc`)),
  memory: ({ app }) => new IpcFrontend(memoryIpc(app)),
  'a message port': ({ app }) => {
    const { port1, port2 } = new MessageChannel();
    serveMessagePort(app, port1);
    return new IpcFrontend(messagePortIpc(port2));
  },
  'a window of Electron': async ({ app }) => {
    desktop ??= await Desktop.start({}, app);
    return (await desktop.connect()).frontend;
  },
};
/** By name: how methods are called over a session. */
const callers: Record<string, (frontend: IpcFrontend, options?: RpcCallOptions) => Flow> = {
  'an IPC channel': (frontend, options) => frontend.makeIpcProxy<Flow>(flowChannel, options),
  'RPC over IPC': (frontend, options = {}) =>
    createRpcClient({ transport: rpcOverIpc(frontend) })
      .client(FlowRpc)
      .with(options),
};

/** Waits until producers stand still. @returns how many items they have made */
async function standstill(): Promise<number> {
  for (let before = -1; before !== seen.produced;) {
    before = seen.produced;
    await settled();
  }
  return seen.produced;
}

const cases = Object.keys(connectors).flatMap((way) => Object.keys(callers).map((caller) => [way, caller]));

describe.each(cases)('streams over %s, by %s', (way, caller) => {
  let app: IpcTestApp;
  let frontend: IpcFrontend;
  const flow = (options?: RpcCallOptions) => callers[caller]!(frontend, options);

  beforeAll(async () => {
    const ipc = { limits: { messageBytes: MESSAGE_BYTES } };
    app = await startIpcApp({ ipc, rpc: {}, providers: [FlowHandler, FlowImpl] });
  });
  beforeEach(async () => {
    forget();
    frontend = await connectors[way]!(app);
    await frontend.ready;
  });
  afterEach(async () => {
    frontend.close();
    await until(() => app.host.sessions.length === 0);
  });
  afterAll(async () => {
    const errors = desktop?.electron.errors ?? [];
    await desktop?.stop();
    desktop = undefined;
    await closeIpcApps();
    expect(errors).toEqual([]);
  });

  it('carry every item once and in order', async () => {
    expect(await all(flow().count(5000))).toEqual(Array.from({ length: 5000 }, (_, i) => i));
    expect(seen.finished).toBe(1);
  });

  it('carry bytes', async () => {
    const pieces = await all(flow().bytes(100_000, 20));
    expect(pieces.map((piece) => [piece.constructor, piece.byteLength, piece[99_999]])).toEqual(
      Array.from({ length: 20 }, (_, i) => [Uint8Array, 100_000, i]),
    );
  });

  it('carry no items', async () => {
    expect(await all(flow().count(0))).toEqual([]);
    expect(await flow().sum(numbers(0))).toBe(0);
  });

  it('go up as an argument', async () => {
    expect(await flow().sum(numbers(5000))).toBe(12_497_500);
    expect(await flow().size(new Blob([new Uint8Array(300_000)]) as never)).toBe(300_000);
    expect(await flow().size(new Blob([new Uint8Array(300_000)]).stream() as never)).toBe(300_000);
  });

  it('go both ways at once', async () => {
    expect(await all(flow().twice(numbers(1000)))).toEqual(Array.from({ length: 1000 }, (_, i) => 2 * i));
  });

  it('begin when they are read', async () => {
    const items = flow().count(5);
    await flow().plain();
    expect(seen.begun).toBe(0);
    expect(await all(items)).toHaveLength(5);
    await expect(all(items)).rejects.toThrow('can be read once');
  });

  it('stop the producer when the reader leaves', async () => {
    for await (const item of flow().count(1_000_000_000)) if (item === 10) break;
    await until(() => seen.finished === 1);
  });

  it('abort the activity of the call when the reader leaves', async () => {
    for await (const item of flow().wait()) {
      expect(item).toBe('here');
      break;
    }
    await until(() => seen.finished === 1);
    expect(seen.aborted).toBe(1);
  });

  it('stop both sides when the caller aborts', async () => {
    const controller = new AbortController();
    const read = async () => {
      for await (const _ of flow({ signal: controller.signal }).wait()) controller.abort(new Error('enough'));
    };
    await expect(read()).rejects.toThrow('enough');
    await until(() => seen.aborted === 1);
  });

  it('stop both sides at the deadline', async () => {
    await expect(all(flow({ timeoutMs: 200 }).wait())).rejects.toThrow(/within \d+ ms/);
    await until(() => seen.aborted === 1);
  });

  it('end with the error of a producer, before the first item and behind others', async () => {
    await expect(all(flow().count(5, 0))).rejects.toMatchObject({ errorNumber: 77, message: 'failed at 0' });
    const got: number[] = [];
    const read = async () => {
      for await (const item of flow().count(5, 3)) got.push(item);
    };
    await expect(read()).rejects.toMatchObject({ errorNumber: 77, message: 'failed at 3' });
    expect(got).toEqual([0, 1, 2]);
    await expect(all(flow().refuse())).rejects.toMatchObject({ errorNumber: 78, message: 'refused' });
  });

  it('end with the error of a producer at the end of the caller', async () => {
    const failing = async function* () {
      yield 1;
      throw new Error('the file is gone');
    };
    await expect(flow().sum(failing())).rejects.toThrow('the file is gone');
    expect(seen).toMatchObject({ begun: 1, finished: 1, consumed: 1 });
  });

  it('stop a producer whose argument is not read to its end, or not at all', async () => {
    let ended = 0;
    expect(
      await flow().sum(
        numbers(1e9, () => ended++),
        10,
      ),
    ).toBe(45);
    await until(() => ended === 1);
    expect(
      await flow().sum(
        numbers(1e9, () => ended++),
        0,
      ),
    ).toBe(0);
    await until(() => ended === 2);
  });

  it('stop their producer within a window when the reader pauses', async () => {
    const reading = flow().bytes(10_000, 1_000_000)[Symbol.asyncIterator]();
    await reading.next();
    expect(await standstill()).toBeLessThan(150);
    await reading.return!();
  });

  it('stop a producer of an argument within a window when the reader pauses', async () => {
    const reading = flow().twice(numbers(1e9))[Symbol.asyncIterator]();
    await reading.next();
    const produced = await standstill();
    // A window of arguments, and as many as wait for the window of the result.
    expect(produced).toBeLessThan(25_000);
    await reading.return!();
  });

  it('fail when their session is lost', async () => {
    const reading = flow().wait()[Symbol.asyncIterator]();
    await reading.next();
    const next = reading.next();
    app.host.sessions[0]!.close(4000 - 999, 'over');
    await expect(next).rejects.toBeInstanceOf(IpcClosedError);
    await until(() => seen.finished === 1);
  });

  it('end in a method with an error when its caller aborts, and never as if they were complete', async () => {
    const controller = new AbortController();
    let ended = 0;
    const endless = async function* () {
      try {
        yield 1;
        await new Promise((resolve) => controller.signal.addEventListener('abort', resolve));
      } finally {
        ended++;
      }
    };
    const call = flow({ signal: controller.signal }).sum(endless());
    await until(() => seen.consumed === 1);
    controller.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
    await until(() => seen.finished === 1 && ended === 1);
    expect(seen.completed).toBe(0);
  });

  it('are left if the call cannot be sent, and if one of them cannot be read', async () => {
    let ended = 0;
    const begun = numbers(1e9, () => ended++);
    await begun.next();
    await expect(flow().sum(begun, 10n as never)).rejects.toThrow('BigInt');
    await until(() => ended === 1);
    const locked = new Blob([new Uint8Array(10)]).stream();
    locked.getReader();
    await expect(flow().size(locked as never)).rejects.toThrow('locked');
    expect(await flow().plain()).toBe('plain');
    expect(seen.begun).toBe(0);
  });

  it('are refused alone where an item is larger than a message may be', async () => {
    await expect(all(flow().bytes(MESSAGE_BYTES, 1))).rejects.toThrow(`more than ${MESSAGE_BYTES} bytes`);
    expect(await flow().plain()).toBe('plain');
    expect(app.host.sessions).toHaveLength(1);
  });

  it('of many calls at once leave space for notifications', async () => {
    const calls = Array.from({ length: 30 }, () => flow().bytes(600_000, 4));
    const received = calls.map((items) => all(items));
    let pushes = 0;
    frontend.addListener('note', () => pushes++);
    for (let i = 0; i < 20; i++) {
      await app.host.sessions[0]!.send('note', i);
      await settled();
    }
    expect((await Promise.all(received)).map((list) => list.length)).toEqual(calls.map(() => 4));
    expect(pushes).toBe(20);
  });

  it('report progress beside them', async () => {
    const reports: unknown[] = [];
    expect(await flow({ onProgress: (value) => reports.push(value) }).report(5)).toBe('done');
    expect(reports).toEqual([0, 1, 2, 3, 4]);
    expect(await flow().report(5)).toBe('done');
  });

  it('leave other calls alone', async () => {
    const reading = flow().bytes(60_000, 1_000_000)[Symbol.asyncIterator]();
    for (let i = 0; i < 20; i++) {
      await reading.next();
      expect(await flow().plain()).toBe('plain');
    }
    await reading.return!();
  });
});

describe('an iTwin.js wire', () => {
  beforeEach(forget);
  afterEach(closeIpcApps);

  it('has no streams: a frontend of ours is told at once', async () => {
    const { port } = await startIpcApp({ rpc: {}, providers: [FlowHandler, FlowImpl] });
    const frontend = new IpcFrontend(webSocketIpc(`ws://127.0.0.1:${port}/ipc`, { compatible: true }));
    for (const caller of Object.values(callers)) {
      await expect(all(caller(frontend).count(1))).rejects.toThrow('Streams need the durable wire');
      await expect(caller(frontend).sum(numbers(1))).rejects.toThrow('Streams need the durable wire');
    }
    frontend.close();
    expect(seen.begun).toBe(0);
  });

  it('gets a plain error for a method that answers with a stream', async () => {
    const { connect } = await startIpcApp({ rpc: {}, providers: [FlowHandler, FlowImpl] });
    const { fail } = await connect();
    expect(await fail('flow.count', 5)).toMatchObject({
      message: expect.stringContaining('flow.count answers with a stream, which this client cannot receive'),
    });
    const request = {
      definition: { interfaceName: 'FlowRpc', interfaceVersion: '1.0.0' },
      operation: 'count',
      parameters: [5],
      context: { protocolVersion: '2' },
    };
    expect(await fail('itwinjs-core/rpc-over-ipc.request', request)).toMatchObject({
      message: expect.stringContaining('FlowRpc.count answers with a stream'),
    });
    expect(seen.begun).toBe(0);
  });
});
