import { MessageChannel } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { IpcFrontend, messagePortIpc } from '@linnet/common';
import { IpcChannel, IpcSession, memoryIpc, serveMessagePort } from '@linnet/backend';
import { webSocketIpc } from '@linnet/frontend';
import { closeIpcApps, connect, startIpcApp } from '../../harness/ipc.harness.js';
import type { IpcTestApp } from '../../harness/ipc.harness.js';
import { until } from '../../harness/waiting.js';

const MOST = 1024 * 1024;
const limits = { messageBytes: MOST, bufferedBytes: MOST / 4 };

/** Lets waiting methods go on. */
const releases: (() => void)[] = [];

@IpcChannel('big')
class BigHandler {
  constructor(private readonly session: IpcSession) {}

  size(...args: (string | Uint8Array | unknown[])[]): number {
    return args.reduce((sum, { length }) => sum + length, 0);
  }

  bytes(length: number): Uint8Array {
    return new Uint8Array(length);
  }

  text(length: number): string {
    return 'x'.repeat(length);
  }

  fail(length: number): never {
    throw Object.assign(new Error('x'.repeat(length)), { errorNumber: 7 });
  }

  async wait(): Promise<void> {
    await new Promise<void>((resolve) => releases.push(resolve));
  }

  /** Sends notifications behind its large answer. */
  notify(length: number, count: number): Uint8Array {
    setImmediate(() => {
      for (let i = 0; i < count; i++) void this.session.send('news', i);
    });
    return new Uint8Array(length);
  }
}

/** By name: how a frontend reaches the backend. */
const ways: Record<string, (app: IpcTestApp) => IpcFrontend> = {
  'the compatible wire': ({ port }) =>
    new IpcFrontend(webSocketIpc(`ws://127.0.0.1:${port}/ipc`, { compatible: true }), { limits }),
  'the durable wire': ({ port }) => new IpcFrontend(webSocketIpc(`ws://127.0.0.1:${port}/ipc`), { limits }),
  memory: ({ app }) => new IpcFrontend(memoryIpc(app), { limits }),
  'a message port': ({ app }) => {
    const { port1, port2 } = new MessageChannel();
    serveMessagePort(app, port1);
    return new IpcFrontend(messagePortIpc(port2), { limits });
  },
};

afterEach(closeIpcApps);

describe.each(Object.entries(ways))('a value that is too large, over %s', (way, open) => {
  const isCompatible = way === 'the compatible wire';
  let app: IpcTestApp;
  let frontend: IpcFrontend;
  let states: string[];
  const call = (method: string, ...args: unknown[]) => frontend.callIpcChannel('big', method, ...args);

  beforeEach(async () => {
    app = await startIpcApp({ ipc: { limits }, providers: [BigHandler] });
    states = [];
    const seen = states;
    frontend = open(app);
    frontend.onStateChange((state) => seen.push(state));
  });
  afterEach(async () => {
    // The same session as at first.
    expect(states).toEqual(['open']);
    expect(await call('size', 'abc')).toBe(3);
    frontend.close();
    expect(app.log.find('error', 'nhandled')).toEqual([]);
  });

  it('rejects the call whose argument it is, and names the operation', async () => {
    await frontend.ready;
    const tooLarge = /^big\.size: The value cannot be sent: it has more than \d+ bytes\.$/;
    await expect(call('size', new Uint8Array(MOST + 1))).rejects.toThrow(tooLarge);
    await expect(call('size', 'x'.repeat(2 * MOST + 1))).rejects.toThrow(tooLarge);
    const half = new Uint8Array(MOST / 2);
    await expect(call('size', half, half, half)).rejects.toThrow(tooLarge);
    expect(await call('size', half, half.subarray(1024))).toBe(MOST - 1024);
  });

  it('rejects the call whose argument it is, if the call waits for a session', async () => {
    const small = call('size', 'abcd');
    await expect(call('size', new Uint8Array(MOST + 1))).rejects.toThrow('cannot be sent');
    await expect(call('size', 'x'.repeat(2 * MOST + 1))).rejects.toThrow('cannot be sent');
    // With the escapes of a frame too large, which only the compatible wire has. The wire is not known yet.
    const quotes = '"'.repeat(MOST / 4);
    const escaped = call('size', quotes, new Uint8Array(MOST / 2 - 1000));
    if (isCompatible) await expect(escaped).rejects.toThrow('cannot be sent');
    else expect(await escaped).toBe(0.75 * MOST - 1000);
    expect(await small).toBe(4);
  });

  it('rejects the call whose result it is, and is logged', async () => {
    await frontend.ready;
    const tooLarge = /big\.\w+: The value cannot be sent: it has more than \d+ bytes\./;
    await expect(call('bytes', MOST + 1)).rejects.toThrow(tooLarge);
    await expect(call('text', 2 * MOST + 1)).rejects.toThrow(tooLarge);
    await until(() => app.log.find('error', 'has more than').length === 2);
  });

  it('rejects the call whose result waits for earlier answers', async () => {
    await frontend.ready;
    const answers = await Promise.allSettled([
      ...Array.from({ length: 6 }, () => call('bytes', MOST / 2)),
      call('bytes', MOST + 1),
      call('text', 2 * MOST + 1),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([
      ...Array.from({ length: 6 }, () => 'fulfilled'),
      'rejected',
      'rejected',
    ]);
  });

  it('rejects the call whose error it is', async () => {
    await frontend.ready;
    await expect(call('fail', 3 * MOST)).rejects.toThrow('The error is too large to be sent.');
  });

  it('rejects the call whose argument has too many arrays', async () => {
    await frontend.ready;
    const arrays = Array.from({ length: 4097 }, () => Uint8Array.of(1));
    const [answer] = await Promise.allSettled([call('size', arrays)]);
    // A message port has no limit of arrays.
    if (way === 'a message port') expect(answer).toEqual({ status: 'fulfilled', value: 4097 });
    else expect(String((answer as PromiseRejectedResult).reason)).toContain('more than 4096 typed arrays');
  });

  it('makes later calls wait if it is larger than what may be on its way', async () => {
    await frontend.ready;
    const waiting = call('wait');
    const abort = new AbortController();
    const aborted = frontend.makeIpcProxy<Pick<BigHandler, 'wait'>>('big', { signal: abort.signal }).wait();
    const first = call('size', new Uint8Array(MOST - 1024));
    const second = call('size', new Uint8Array(MOST - 1024));
    const [third] = await Promise.allSettled([call('size', 'a')]);
    // The compatible wire counts only the bytes that the connection has not taken.
    if (!isCompatible)
      expect(String((third as PromiseRejectedResult).reason)).toContain(`More than ${MOST / 4} bytes wait`);
    // The cancellation of a call does not wait.
    abort.abort();
    await expect(aborted).rejects.toThrow('aborted');
    expect(await Promise.all([first, second])).toEqual([MOST - 1024, MOST - 1024]);
    for (const release of releases.splice(0)) release();
    await waiting;
  });

  it('lets notifications follow an answer that is larger than what may be on its way', async () => {
    await frontend.ready;
    const news: unknown[] = [];
    frontend.addListener('news', (_event, n) => news.push(n));
    await Promise.all([call('notify', MOST / 2, 10), call('notify', MOST - 1024, 10)]);
    await until(() => news.length === 20);
  });
});

describe('a value with too many bytes from a frontend that does not count them', () => {
  it('rejects the call on the compatible wire', async () => {
    const app = await startIpcApp({ ipc: { limits }, providers: [BigHandler] });
    const { raw, ask } = await connect(app.port);
    const answer = await raw.invoke('itwin.big', 'size', new Uint8Array(MOST - 1000), new Uint8Array(MOST));
    expect(answer).toMatchObject({ error: { message: `The message is larger than ${MOST} bytes.` } });
    expect(await ask('big.size', new Uint8Array(5))).toEqual({ result: 5 });
    expect(app.host.sessions).toHaveLength(1);
  });

  it('rejects the call on the durable wire', async () => {
    const app = await startIpcApp({ ipc: { limits }, providers: [BigHandler] });
    const frontend = new IpcFrontend(webSocketIpc(`ws://127.0.0.1:${app.port}/ipc`));
    const states: string[] = [];
    frontend.onStateChange((state) => states.push(state));
    await expect(
      frontend.callIpcChannel('big', 'size', new Uint8Array(MOST + 1), new Uint8Array(5)),
    ).rejects.toThrow(`The message is larger than ${MOST} bytes.`);
    expect(await frontend.callIpcChannel('big', 'size', new Uint8Array(5))).toBe(5);
    expect(states).toEqual(['open']);
    frontend.close();
  });
});
