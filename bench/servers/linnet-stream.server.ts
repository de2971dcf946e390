// The streams of Linnet, over HTTP and over IPC.
import 'reflect-metadata';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IpcChannel, IpcModule, RpcInterface, RpcModule } from '@linnet/backend';
import { LinnetExpressAdapter } from '@linnet/backend/express';
import { ipcChannel } from '@linnet/common';
import type { RpcOperations, RpcStream } from '@linnet/common';
import { reportToParent } from './parent.js';
import { countBytes, largeItems, pieces, smallItems } from './stream.data.js';
import type { LargeItem, SmallItem } from './stream.data.js';

abstract class StreamRpc extends RpcInterface {
  static readonly interfaceName = 'Stream';
  static readonly interfaceVersion = '1.0.0';
  static readonly operations: RpcOperations<StreamRpc> = {
    small: { stream: true },
    large: { stream: true },
    bytes: { stream: true },
    upload: {},
  };
  abstract small(count: number): AsyncIterable<SmallItem>;
  abstract large(count: number): AsyncIterable<LargeItem>;
  abstract bytes(count: number): AsyncIterable<Uint8Array>;
  abstract upload(content: RpcStream<Uint8Array>): Promise<number>;
}

type StreamMethods = Pick<StreamRpc, 'small' | 'bytes' | 'upload'> & {
  add(a: number, b: number): Promise<number>;
};
const channel = ipcChannel<StreamMethods>('bench', {
  methods: { small: { stream: true }, bytes: { stream: true }, upload: {}, add: {} },
});

class Streams {
  small(count: number) {
    return smallItems(count);
  }
  large(count: number) {
    return largeItems(count);
  }
  bytes(count: number) {
    return pieces(count);
  }
  upload(content: RpcStream<Uint8Array>) {
    return countBytes(content);
  }
  async add(a: number, b: number) {
    return a + b;
  }
}

@RpcInterface(StreamRpc)
class StreamImplementation extends Streams {}

@IpcChannel(channel)
class StreamHandler extends Streams {}

@Module({
  imports: [RpcModule.forRoot({}), IpcModule.forRoot({ path: '/ipc' })],
  providers: [StreamImplementation, StreamHandler],
})
class BenchModule {}

const app = await NestFactory.create(BenchModule, new LinnetExpressAdapter(), { logger: ['error', 'warn'] });
await app.listen(0, '127.0.0.1');
reportToParent(((app.getHttpServer() as Server).address() as AddressInfo).port);
