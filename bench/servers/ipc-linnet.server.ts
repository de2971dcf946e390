// The IPC application.
import 'reflect-metadata';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Module, UseGuards, UseInterceptors } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CurrentSession, IpcChannel, IpcModule, IpcSession, memoryIpc } from '@linnet/backend';
import { IpcFrontend } from '@linnet/common';
import { LinnetExpressAdapter } from '@linnet/backend/express';
import { Guard, Interceptor } from './enhancers.js';
import { observers } from './observed.js';
import { reportToParent } from './parent.js';

@IpcChannel('bench')
class BenchHandler {
  async add(a: number, b: number) {
    return a + b;
  }
  @UseGuards(Guard)
  @UseInterceptors(Interceptor)
  async addGuarded(a: number, b: number) {
    return a + b;
  }
  async echo(bytes: Uint8Array) {
    return bytes;
  }
  async push(count: number, @CurrentSession() session: IpcSession) {
    for (let i = 0; i < count; i++) await session.send('bench-push', i, 1.5, 2.5);
  }
}

@Module({ imports: [IpcModule.forRoot({ path: '/ipc' }), ...observers], providers: [BenchHandler] })
class BenchModule {}

const app = await NestFactory.create(BenchModule, new LinnetExpressAdapter(), { logger: ['error', 'warn'] });
await app.listen(0, '127.0.0.1');
// Sessions that do nothing.
for (let i = 0; i < Number(process.env['BENCH_SESSIONS'] ?? 0); i++)
  await new IpcFrontend(memoryIpc(app)).ready;
reportToParent(((app.getHttpServer() as Server).address() as AddressInfo).port);
