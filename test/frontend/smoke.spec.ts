import { afterEach, expect, it } from '@jest/globals';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { NestFactory } from '@nestjs/core';
import { Module } from '@nestjs/common';
import { IpcModule, IpcChannel, IpcSession, IpcHost, CurrentActivity, Activity } from '@linnet/backend';
import { IpcFrontend, webSocketIpc } from '@linnet/frontend';

let aborted = 0;
@IpcChannel('b')
class B {
  constructor(private readonly session: IpcSession) {}
  id() {
    return this.session.id;
  }
  echo(...x: unknown[]) {
    return x;
  }
  async slow(ms: number, @CurrentActivity() activity?: Activity) {
    activity!.signal.addEventListener('abort', () => aborted++);
    await new Promise((r) => setTimeout(r, ms));
    return 'slow';
  }
  async ask() {
    return this.session.callIpcChannel('fe', 'x', 1);
  }
  note(n: number) {
    for (let i = 0; i < n; i++) void this.session.send('n', i);
  }
  fail() {
    throw new Error('m');
  }
}
@Module({ imports: [IpcModule.forRoot({})], providers: [B] })
class App {}

async function proxyTo(port: number) {
  const sockets = new Set<Socket>();
  const server = createServer((a) => {
    const b = connect(port, '127.0.0.1');
    sockets.add(a);
    a.pipe(b);
    b.pipe(a);
    a.on('error', () => b.destroy());
    b.on('error', () => a.destroy());
    a.on('close', () => {
      b.destroy();
      sockets.delete(a);
    });
    b.on('close', () => a.destroy());
  });
  await new Promise<void>((r) => server.listen(0, '127.0.0.1', r));
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => sockets.forEach((s) => s.destroy()),
    close: () => {
      server.close();
      sockets.forEach((s) => s.destroy());
    },
  };
}

it.each([true, false])('works, compatible: %s', async (compatible) => {
  const app = await NestFactory.create(App, { logger: ['warn', 'error'] });
  await app.listen(0, '127.0.0.1');
  const port = (app.getHttpServer().address() as AddressInfo).port;
  const proxy = await proxyTo(port);
  const fe = new IpcFrontend(webSocketIpc(`ws://127.0.0.1:${proxy.port}/ipc`, { compatible }), {
    reconnectMs: [10, 50],
  });
  const states: string[] = [];
  fe.onStateChange((s) => states.push(s));
  const notes: number[] = [];
  fe.addListener('n', (_e, i) => notes.push(i));
  fe.handle('fe', (m, x) => ({ result: [m, x] }));
  await fe.ready;
  const b = fe.makeIpcProxy<any>('b') as any;
  expect(await b.echo(1, 'ä', null, new Float64Array([1.5]), { a: new Uint8Array([7]) })).toEqual([
    1,
    'ä',
    null,
    new Float64Array([1.5]),
    { a: new Uint8Array([7]) },
  ]);
  const id = await b.id();
  expect(await b.ask()).toEqual(['x', 1]);
  await expect(b.fail()).rejects.toThrow('m');
  const slow = b.slow(200);
  await b.note(100);
  setTimeout(() => proxy.cut(), 50);
  if (compatible) {
    await expect(slow).rejects.toThrow('over');
    await fe.ready;
    expect(await b.id()).not.toBe(id);
  } else {
    expect(await slow).toBe('slow');
    expect(await b.id()).toBe(id);
    expect(states).toEqual(['open', 'interrupted', 'open']);
    const controller = new AbortController();
    const cancelled = (fe.makeIpcProxy<any>('b', { signal: controller.signal }) as any).slow(5000);
    await b.id();
    controller.abort(new Error('enough'));
    await expect(cancelled).rejects.toThrow('enough');
    await b.id();
    expect(aborted).toBe(1 + 0);
  }
  expect(notes).toEqual(Array.from({ length: 100 }, (_, i) => i));
  const all = await Promise.all(Array.from({ length: 500 }, (_, i) => b.echo(i)));
  expect(all.map(([i]) => i)).toEqual(Array.from({ length: 500 }, (_, i) => i));
  fe.close();
  proxy.close();
  await app.close();
});
