import 'reflect-metadata';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { ExpressAdapter } from '@nestjs/platform-express';
import { RpcInterface, RpcModule } from '@linnet/backend';
import { LinnetExpressAdapter } from '@linnet/backend/express';
import { createRpcServer } from '@linnet/backend/node';
import { createRpcClient } from '@linnet/common';

abstract class Tiles extends RpcInterface {
  static readonly interfaceName = 'Tiles';
  static interfaceVersion = '1.0.0';
  async count(): Promise<number> {
    return this.forward(arguments);
  }
}

@RpcInterface(Tiles)
class TilesImpl extends Tiles {
  override async count() {
    return 7;
  }
}

@Module({ imports: [RpcModule.forRoot()], providers: [TilesImpl] })
class AppModule {}

const adapters = {
  Express: () => new ExpressAdapter(),
  LinnetExpressAdapter: () => new LinnetExpressAdapter(),
  Fastify: () => new FastifyAdapter(),
};

/** Starts a server of each kind, and calls it. @returns what `observe` returns for each */
export async function startServers<T>(observe: (call: () => Promise<unknown>) => Promise<T>) {
  const found: Record<string, T> = {};
  const callAt = (server: Server) => {
    const { port } = server.address() as AddressInfo;
    return () =>
      createRpcClient({ uriPrefix: `http://127.0.0.1:${port}` })
        .client(Tiles)
        .count();
  };
  for (const [name, adapter] of Object.entries(adapters)) {
    const app = await NestFactory.create(AppModule, adapter() as never, { logger: false });
    await app.listen(0, '127.0.0.1');
    found[name] = await observe(callAt(app.getHttpServer() as Server));
    await app.close();
  }
  const plain = createServer(createRpcServer({ interfaces: [[Tiles, TilesImpl]] }).handler);
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
  found['a plain server'] = await observe(callAt(plain));
  plain.close();
  return found;
}
