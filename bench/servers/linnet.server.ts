// The RPC application. Arguments: its adapter (`linnet`, `express` or `fastify`), and `middleware` for one
// application middleware in front.
import 'reflect-metadata';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Module, UseGuards, UseInterceptors } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { RpcInterface, RpcModule, RpcOperation } from '@linnet/backend';
import type { IModelRpcProps } from '@linnet/backend';
import { LinnetExpressAdapter } from '@linnet/backend/express';
import { z } from 'zod';
import { describe, payload, robots } from './bench.data.js';
import { BenchRpc } from './bench.interface.js';
import { Guard, Interceptor } from './enhancers.js';
import { observers } from './observed.js';
import { reportToParent } from './parent.js';

@RpcInterface(BenchRpc)
class BenchImplementation {
  async add(a: number, b: number) {
    return a + b;
  }
  @UseGuards(Guard)
  @UseInterceptors(Interceptor)
  async addGuarded(a: number, b: number) {
    return a + b;
  }
  @RpcOperation({ args: [z.number(), z.number()], result: z.number() })
  async addChecked(a: number, b: number) {
    return a + b;
  }
  async list() {
    return robots;
  }
  async download() {
    return payload;
  }
  async upload(_token: IModelRpcProps, bytes: Uint8Array) {
    return describe(bytes);
  }
}

@Module({ imports: [RpcModule.forRoot({}), ...observers], providers: [BenchImplementation] })
class BenchModule {}

const adapters: Record<string, () => AbstractHttpAdapter> = {
  linnet: () => new LinnetExpressAdapter(),
  express: () => new ExpressAdapter(),
  fastify: () => new FastifyAdapter(),
};

const [adapter = 'linnet', option] = process.argv.slice(2);
const app = await NestFactory.create(BenchModule, adapters[adapter]!(), { logger: ['error', 'warn'] });
if (option === 'middleware') app.use((_request: unknown, _response: unknown, next: () => void) => next());
await app.listen(0, '127.0.0.1');
reportToParent(((app.getHttpServer() as Server).address() as AddressInfo).port);
