// One node of the cluster, in a process of its own. Its parent asks it for its memory.
import 'reflect-metadata';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CurrentSession, HealthModule, IpcChannel, IpcHost, IpcModule, IpcSession } from '@linnet/backend';
import { LinnetExpressAdapter } from '@linnet/backend/express';
import { redisBackplane } from '@linnet/redis';

/** How long this node serves after SIGTERM, in milliseconds: nginx notices an end by refused connections, so that this is short. */
const DRAIN_MS = 200;

@IpcChannel('cluster')
class ClusterHandler {
  constructor(private readonly host: IpcHost) {}

  async enter(room: string, @CurrentSession() session?: IpcSession): Promise<number> {
    await session!.join(room);
    return process.pid;
  }

  /** Resolves when Redis has confirmed: the sender is told "sent". */
  async say(room: string, sender: number, n: number): Promise<void> {
    await this.host.to(room).send('said', sender, n);
  }

  /** A call that is in flight for a while. */
  async work(milliseconds: number): Promise<number> {
    // Sleeps: a call that works.
    await sleep(milliseconds);
    return process.pid;
  }
}

@Module({
  imports: [
    IpcModule.forRoot({
      backplane: redisBackplane({ url: process.env['REDIS_URL']! }),
      resumeGraceMs: 10_000,
      replicate: process.env['REPLICATE'] === 'yes',
    }),
    HealthModule.forRoot({ drainDelayMs: DRAIN_MS }),
  ],
  providers: [ClusterHandler],
})
class ClusterModule {}

// A call that Redis does not confirm is an error of its sender, who counts it.
let missed = 0;
const warn = (message: unknown) => {
  if (String(message).includes('lost frames')) missed++;
};
const logger = { log: () => undefined, warn, error: () => undefined };
const app = await NestFactory.create(ClusterModule, new LinnetExpressAdapter(), { logger });
app.enableShutdownHooks();
await app.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1');

process.on('message', () => void memory().then((answer) => process.send!(answer)));
// Its parent is gone.
process.on('disconnect', () => process.exit());
process.send!({ port: ((app.getHttpServer() as Server).address() as AddressInfo).port });

async function memory() {
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.();
    // Sleeps: finalizers run in tasks of their own, and nothing reports their end.
    await sleep(50);
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heapUsed, external, rss, sessions: app.get(IpcHost).sessions.length, missed };
}
