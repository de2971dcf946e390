import { once } from 'node:events';
import { MessageChannel } from 'node:worker_threads';
import type { MessagePort, Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { NestFactory } from '@nestjs/core';
import { IpcHost, serveMessagePort } from '@linnet/backend';
import {
  createRpcClient,
  IpcClosedError,
  IpcFrontend,
  messagePortIpc,
  rpcOverIpc,
  RpcManager,
  WebRpcManager,
} from '@linnet/common';
import type { IpcFrontendOptions } from '@linnet/common';
import { CompiledWorker } from './compiled.worker.js';
import { failure } from './failure.js';
import { ShelfModule, ShelfRpc } from './shelf.module.js';
import type { ShelfHandler } from './shelf.module.js';
import { until } from '../../harness/waiting.js';

// Each worker compiles what it runs.
jest.setTimeout(90_000);

const frontends: IpcFrontend[] = [];
const workers: Worker[] = [];
afterEach(async () => {
  for (const frontend of frontends.splice(0)) frontend.close();
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
});

function start(file: string, workerData?: MessagePort): CompiledWorker {
  const worker = new CompiledWorker(new URL(`./${file}.ts`, import.meta.url), {
    workerData,
    ...(workerData && { transferList: [workerData] }),
  });
  workers.push(worker);
  return worker;
}

function connect(
  port: Parameters<typeof messagePortIpc>[0],
  options: IpcFrontendOptions = {},
): { frontend: IpcFrontend; shelf: ReturnType<typeof shelfOf> } {
  const frontend = new IpcFrontend(messagePortIpc(port), { connectTimeoutMs: 60_000, ...options });
  frontends.push(frontend);
  return { frontend, shelf: shelfOf(frontend) };
}

const shelfOf = (frontend: IpcFrontend) => frontend.makeIpcProxy<ShelfHandler>('shelf');

describe('an application context in a worker thread', () => {
  it('answers calls over IPC and RPC, sends notifications and calls, and exits when its frontend closes', async () => {
    const worker = start('shelf.worker');
    const exited = once(worker, 'exit');
    const { frontend, shelf } = connect(worker);
    const told = new Promise((resolve) => frontend.addListener('news', (_event, news) => resolve(news)));
    frontend.handle('page', (question: string) => `${question} Me.`);
    expect(await Promise.all([shelf.count(), shelf.count()])).toEqual([1, 2]);
    await shelf.tell(Float32Array.of(0.5));
    expect(await told).toEqual(Float32Array.of(0.5));
    expect(await shelf.ask('Who?')).toBe('Who? Me.');
    const client = createRpcClient({ transport: rpcOverIpc(frontend), interfaces: [ShelfRpc] });
    await client.ready();
    const bytes = new Uint8Array(300_000).fill(7);
    expect(await client.client(ShelfRpc).with({ activityId: 'click' }).weigh('top', bytes)).toStrictEqual({
      shelf: 'top',
      bytes,
      activityId: 'click',
    });
    // The sender still has the arrays.
    expect(bytes.byteLength).toBe(300_000);
    frontend.close();
    // Nothing else keeps it.
    expect(await exited).toEqual([0]);
  });

  it('is called by getClient() of iTwin.js across threads', async () => {
    const transport = rpcOverIpc(connect(start('shelf.worker')).frontend);
    const info = { title: 'Shelves', version: 'v1.0' };
    await WebRpcManager.initializeClient({ info, transport }, [ShelfRpc]).ready();
    const weighed = await ShelfRpc.getClient().weigh('top', Uint8Array.of(1, 2));
    expect(weighed).toMatchObject({ shelf: 'top', bytes: Uint8Array.of(1, 2) });
    RpcManager.terminateInterface(ShelfRpc);
    expect(() => ShelfRpc.getClient()).toThrow('has no client');
  });

  const ends: [string, (worker: Worker, shelf: ReturnType<typeof shelfOf>) => unknown, string][] = [
    ['exits', (_worker, shelf) => shelf.die('exit'), 'The port is closed.'],
    ['is terminated', (worker) => worker.terminate(), 'The port is closed.'],
    ['throws', (_worker, shelf) => shelf.die('throw'), 'The worker has failed: The shelf has fallen.'],
  ];
  it.each(ends)('rejects pending and later calls when it %s', async (_name, end, reason) => {
    const worker = start('shelf.worker');
    const { frontend, shelf } = connect(worker);
    await frontend.ready;
    const closure = { code: 1006, reason, initiator: 'remote' } as const;
    const failed = failure(shelf.never());
    const closed = new Promise((resolve) => frontend.onStateChange((state, why) => resolve([state, why])));
    await Promise.allSettled([end(worker, shelf)]);
    expect(await failed).toEqual(new IpcClosedError(closure));
    expect(await closed).toEqual(['closed', closure]);
    expect(frontend.isValid).toBe(false);
    await expect(shelf.count()).rejects.toBeInstanceOf(IpcClosedError);
  });

  it.each([
    ['throws as it starts', 'falling.worker', 'It cannot start.'],
    ['does not exist', 'missing.worker', 'Cannot find module'],
  ])('rejects waiting calls with its error when it %s', async (_name, file, message) => {
    const { frontend, shelf } = connect(start(file));
    const failed = failure(shelf.count());
    await expect(frontend.ready).rejects.toThrow(message);
    expect(await failed).toMatchObject({ message: expect.stringContaining(message) });
  });

  it('is followed by another when the connector starts one', async () => {
    const made: Worker[] = [];
    const { frontend, shelf } = connect(() => (made.push(start('shelf.worker')), made.at(-1)!), {
      reconnectMs: [1, 1],
    });
    expect([await shelf.count(), await shelf.count()]).toEqual([1, 2]);
    const failed = failure(shelf.never());
    await made[0]!.terminate();
    expect(await failed).toBeInstanceOf(IpcClosedError);
    await frontend.ready;
    expect(await shelf.count()).toBe(1);
    expect(made).toHaveLength(2);
  });
});

describe('a frontend in a worker thread', () => {
  it('calls the thread that has started it, and answers its calls', async () => {
    const app = await NestFactory.createApplicationContext(ShelfModule, { logger: false });
    const worker = start('page.worker');
    serveMessagePort(app, worker, { user: 'the page' });
    await until(() => app.get(IpcHost).sessions.length === 1);
    const [session] = app.get(IpcHost).sessions;
    expect(await session!.invoke('page', 'Well?')).toEqual({
      question: 'Well?',
      count: 1,
      weighed: { shelf: 'top', bytes: Uint8Array.of(1), activityId: 'of the page' },
    });
    const failed = failure(session!.invoke('nobody'));
    await worker.terminate();
    expect(await failed).toBeInstanceOf(IpcClosedError);
    expect(await session!.closed).toEqual({ code: 1006, reason: 'The port is closed.', initiator: 'remote' });
    expect(app.get(IpcHost).sessions).toEqual([]);
    await app.close();
  });
});

describe('two worker threads with a channel between them', () => {
  it('are frontend and backend of one session, and the end of one ends the other', async () => {
    const { port1, port2 } = new MessageChannel();
    const [backend, page] = [start('shelf.channel.worker', port1), start('page.worker', port2)];
    const [answer] = (await once(page, 'message')) as unknown[];
    expect(answer).toEqual({
      question: 'Who?',
      count: 1,
      weighed: { shelf: 'top', bytes: Uint8Array.of(1), activityId: 'of the page' },
    });
    const exited = once(backend, 'exit');
    await page.terminate();
    expect(await exited).toEqual([0]);
  });
});
