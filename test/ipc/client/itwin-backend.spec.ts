import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BackendError, DeadlineError, IpcApp, IpcClosedError, IpcFrontend } from '@linnet/frontend';
import { NotificationHandler, webSocketIpc } from '@linnet/frontend';
import type { IpcFrontendOptions, WebSocketIpcOptions } from '@linnet/frontend';
import { endOf } from '../../harness/child.end.js';
import { until } from '../../harness/waiting.js';

const script = join(import.meta.dirname, 'itwin.backend.mjs');
const children: ChildProcess[] = [];
const frontends: IpcFrontend[] = [];

/** Starts the real backend of iTwin.js; {@link stop} ends it. */
async function backend(...modes: string[]): Promise<{ port: number; child: ChildProcess }> {
  const child = fork(script, modes, { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  children.push(child);
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('the backend ended')));
  const [port] = (await Promise.race([once(child, 'message'), ended])) as [number];
  ended.catch(() => undefined);
  return { port, child };
}

async function open(port: number, options: IpcFrontendOptions & WebSocketIpcOptions = {}) {
  const { compatible, ...more } = options;
  const connector = webSocketIpc(`ws://127.0.0.1:${port}`, { compatible });
  const frontend = new IpcFrontend(connector, { reconnectMs: [5, 50], ...more });
  frontends.push(frontend);
  await frontend.ready;
  return { frontend, real: frontend.makeIpcProxy<any>('real') as any };
}

afterEach(async () => {
  IpcApp.shutdown();
  for (const frontend of frontends.splice(0)) frontend.close();
  await Promise.all(children.splice(0).map((child) => endOf(child, 'SIGKILL')));
});

describe('our frontend with the backend of iTwin.js', () => {
  let port: number;
  let child: ChildProcess;
  beforeEach(async () => {
    ({ port, child } = await backend());
  });

  it('uses the compatible wire, because this backend accepts the first subprotocol that is offered', async () => {
    const { real } = await open(port);
    expect(await real.protocol()).toBe('itwin.ipc');
    expect(await real.add(1, 2)).toBe(3);
  });

  it('calls, sends and receives notifications under the names of iTwin.js', async () => {
    await IpcApp.startup(webSocketIpc(`ws://127.0.0.1:${port}`));
    const told: unknown[] = [];
    class Told extends NotificationHandler {
      get channelName() {
        return 'told';
      }
      moved(...args: unknown[]) {
        told.push(['moved', ...args]);
      }
    }
    Told.register();
    const real = IpcApp.makeIpcProxy<any>('real') as any;
    const behindEcho = IpcApp.makeIpcFunctionProxy<{ some(...args: unknown[]): unknown[] }>('real', 'echo');
    expect(await behindEcho.some(1, { a: [null] })).toEqual(['some', 1, { a: [null] }]);
    expect(await IpcApp.invoke('bare', 'as it is', 1)).toEqual(['as it is', 1]);
    expect(await real.nothing()).toBeUndefined();
    IpcApp.send('heard', 'first', Uint8Array.of(1, 2));
    IpcApp.send('heard', 'second');
    // That backend may take what has no bytes first.
    const heard: unknown[] = [];
    while (heard.length < 2) heard.push(...(await real.heard()));
    expect(heard).toHaveLength(2);
    expect(heard).toEqual(expect.arrayContaining([['first', Uint8Array.of(1, 2)], ['second']]));
    await real.push(100);
    await until(() => told.length === 100);
    expect(told).toEqual(Array.from({ length: 100 }, (_, i) => ['moved', i, Float64Array.of(i / 2)]));
  });

  it('can have many calls at the same time', async () => {
    const { real } = await open(port);
    const sums = await Promise.all(Array.from({ length: 300 }, (_, i) => real.add(i, 1)));
    expect(sums).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
  });

  it('receives typed arrays bit for bit', async () => {
    const { real } = await open(port);
    expect(await real.views()).toEqual([
      Uint8Array.of(1, 2, 3),
      Int16Array.of(-1, 2),
      Float32Array.of(1.5),
      Float64Array.of(0.1, -2),
      new DataView(Uint8Array.of(9, 8).buffer),
    ]);
  });

  it('sends bytes unchanged, but this backend misreads other typed arrays', async () => {
    const { real } = await open(port);
    const large = Uint8Array.from({ length: 300_000 }, (_, i) => i);
    expect(await real.echo('text', { large }, Uint8Array.of())).toStrictEqual([
      'text',
      { large },
      Uint8Array.of(),
    ]);
    // Four bytes have become four numbers: what was sent cannot be told from it any more.
    expect(await real.describe(Int16Array.of(1, 2))).toEqual({
      kind: 'Int16Array',
      values: [1, 0, 0, 0, 2, 0, 0, 0],
    });
  });

  it('rejects with the error that a handler throws', async () => {
    const { real } = await open(port);
    const numbered = await real.failNumbered().catch((error: unknown) => error);
    expect(numbered).toBeInstanceOf(BackendError);
    expect(numbered).toMatchObject({ errorNumber: 65537, message: 'not there' });
    await expect(real.failPlain()).rejects.toMatchObject({ name: 'TypeError', message: 'no function' });
    await expect(real.failText()).rejects.toBe('a text');
    await expect(real.noSuchMethod()).rejects.toMatchObject({ errorNumber: 65606 });
  });

  it('gives up a call without an answer after invokeTimeoutMs', async () => {
    const { frontend } = await open(port, { invokeTimeoutMs: 50 });
    await expect(frontend.invoke('no-such-channel', 'method')).rejects.toBeInstanceOf(DeadlineError);
  });

  it('rejects calls when the backend ends, and begins a session with the next backend', async () => {
    const { frontend, real } = await open(port);
    const states: string[] = [];
    frontend.onStateChange((state, closure) => states.push(closure ? `${state} ${closure.code}` : state));
    const calls = [real.never(), real.never(), frontend.invoke('bare', 'x').then(() => real.never())];
    await real.add(1, 1);
    const settled = Promise.allSettled(calls);
    await endOf(child, 'SIGKILL');
    for (const each of await settled)
      expect((each as PromiseRejectedResult).reason).toBeInstanceOf(IpcClosedError);
    expect(frontend.isValid).toBe(false);
    // Calls made meanwhile wait for it.
    const next = real.add(2, 2);
    await backend(String(port));
    expect(await next).toBe(4);
    expect(states).toEqual(['connecting 1006', 'open']);
  });
});

describe('a backend of iTwin.js with other options', () => {
  it('receives typed arrays bit for bit when it uses memory without a Buffer', async () => {
    const { real } = await open((await backend('views')).port);
    const sent = [Int16Array.of(-1, 2), Float64Array.of(0.1, -2), new DataView(Uint8Array.of(9, 8).buffer)];
    expect(await real.echo(...sent, { deep: [sent] })).toEqual([...sent, { deep: [sent] }]);
    expect(await real.describe(Int16Array.of(1, 2))).toEqual({ kind: 'Int16Array', values: [1, 0, 2, 0] });
  });

  it('is connected without a subprotocol when it accepts none', async () => {
    const { port } = await backend('no-protocol');
    const { real } = await open(port, { compatible: true });
    expect([await real.protocol(), await real.add(1, 2)]).toEqual(['', 3]);
    // One that is offered to such a backend is refused by the WebSocket itself, as it is in browsers.
    const refused = new IpcFrontend(webSocketIpc(`ws://127.0.0.1:${port}`), { reconnect: false });
    frontends.push(refused);
    await expect(refused.ready).rejects.toBeInstanceOf(IpcClosedError);
  });
});
