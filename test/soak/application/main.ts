// The application that is soaked, in a process of its own with --expose-gc; its parent asks it for its memory.
import 'reflect-metadata';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Module } from '@nestjs/common';
import type { OnModuleDestroy } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CurrentSession, IpcChannel, IpcHost, IpcModule, IpcSession } from '@linnet/backend';

/** An object for each session, which must be destroyed with it. */
const counts = { made: 0, destroyed: 0 };

@IpcChannel('soak')
class SoakHandler {
  add(a: number, b: number) {
    return a + b;
  }
  async echo(value: unknown) {
    return value;
  }
  fail(message: string) {
    throw new Error(message);
  }
  async push(count: number, bytes: number, @CurrentSession() session: IpcSession) {
    for (let i = 0; i < count; i++) await session.send('soak-push', i, new Uint8Array(bytes));
  }
  /** Does not wait for who does not read. */
  flood(count: number, bytes: number, @CurrentSession() session: IpcSession) {
    for (let i = 0; i < count; i++) void session.send('soak-push', i, new Uint8Array(bytes));
  }
  async untilGone(@CurrentSession() session: IpcSession) {
    await session.closed;
    throw new TypeError('nobody is there');
  }
  /** Answers a session that has ended. */
  async answerLate(@CurrentSession() session: IpcSession) {
    await session.closed;
    await turn();
  }
  async askBack(value: unknown, @CurrentSession() session: IpcSession) {
    return session.invoke('soak-ask', value);
  }
}

@Injectable()
class Basket {
  /** So large that a few thousand that are kept are seen. */
  readonly memory = Array.from({ length: 512 }, () => 0);
  constructor(readonly session: IpcSession) {}
}

@IpcChannel('soak-scoped', { sequential: true })
class ScopedHandler implements OnModuleDestroy {
  readonly #stop: () => void;
  #heard = 0;

  constructor(
    session: IpcSession,
    private readonly basket: Basket,
  ) {
    counts.made++;
    this.#stop = session.addListener('soak-tell', () => this.#heard++);
  }

  put(value: number) {
    this.basket.memory[this.#heard % 512] = value;
    return this.#heard;
  }

  onModuleDestroy() {
    counts.destroyed++;
    this.#stop();
  }
}

@Module({
  imports: [
    IpcModule.forRoot({
      heartbeatMs: 1000,
      invokeTimeoutMs: 500,
      shutdownTimeoutMs: 1000,
      limits: { arrivalMs: 500, bufferedBytes: 8 * 1024 * 1024 },
    }),
  ],
  providers: [SoakHandler, ScopedHandler, Basket],
})
class SoakModule {}

// Ends of sessions and errors of handlers are logged by the hundred thousand, so they are only counted.
let lines = 0;
const logger = { log: () => undefined, warn: () => lines++, error: () => lines++ };
const app = await NestFactory.create(SoakModule, { logger });
await app.listen(0, '127.0.0.1');
const host = app.get(IpcHost);

process.on('message', () => void resources().then((answer) => process.send!(answer)));
process.on('disconnect', () => void app.close().then(() => process.exit()));
process.send!({ port: ((app.getHttpServer() as Server).address() as AddressInfo).port });

async function resources() {
  // Finalizers run between collections, and what they let go is found by the next one.
  for (let i = 0; i < 4; i++) {
    globalThis.gc!();
    // Sleeps: finalizers run in tasks of their own, and nothing reports their end.
    await sleep(50);
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  const server = app.getHttpServer() as Server;
  const connections = await new Promise<number>((resolve) =>
    server.getConnections((_, count) => resolve(count)),
  );
  return { heapUsed, external, rss, connections, sessions: host.sessions.length, lines, ...counts };
}

await once(process, 'disconnect');
