// A node with rooms over Redis, or over NATS where `NATS_URL` is set.
import 'reflect-metadata';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CurrentSession, IpcChannel, IpcHost, IpcModule, IpcSession } from '@linnet/backend';
import { LinnetExpressAdapter } from '@linnet/backend/express';
import { flood } from './flood.js';
import { reportToParent } from './parent.js';

@IpcChannel('bench')
class BenchHandler {
  async add(a: number, b: number) {
    return a + b;
  }
  async enter(room: string, @CurrentSession() session?: IpcSession) {
    await session!.join(room);
    return 'entered';
  }
}

const { NATS_URL: servers, REDIS_URL: url } = process.env;
// Each node loads one broker's client only, as an application does.
const backplane = servers
  ? (await import('@linnet/nats')).natsBackplane({ servers })
  : (await import('@linnet/redis')).redisBackplane({ url: url! });

@Module({ imports: [IpcModule.forRoot({ path: '/ipc', backplane })], providers: [BenchHandler] })
class BenchModule {}

const app = await NestFactory.create(BenchModule, new LinnetExpressAdapter(), { logger: false });
await app.listen(0, '127.0.0.1');
const host = app.get(IpcHost);
reportToParent(((app.getHttpServer() as Server).address() as AddressInfo).port, (order) =>
  flood(order, {
    send: (room, n) => host.to(room).send('bench-push', n, 1.5, 2.5),
    confirm: async () => undefined,
  }),
);
