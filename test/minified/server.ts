import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import cors from 'cors';
import { ConflictException, HttpException, Module, NotFoundException } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { WsException } from '@nestjs/websockets';
import { Exposed, IModelError, IpcChannel, IpcModule, RpcInterface, RpcModule } from '@linnet/backend';
import { LinnetExpressAdapter } from '@linnet/backend/express';

// A server that is bundled and minified before it runs: see minified.spec.ts.

abstract class Failing extends RpcInterface {
  static readonly interfaceName = 'Failing';
  static readonly interfaceVersion = '1.0.0';
  async fail(_kind: string): Promise<void> {
    return this.forward(arguments);
  }
}

@Exposed()
class OutOfStock extends Error {
  override readonly name = 'OutOfStock';
}
class OutOfSight extends WsException {
  override readonly name = 'OutOfSight';
}
/** Has the name of an exception of Nest, and is not one. */
class Impostor extends Error {
  static override readonly name = 'WsException';
  getError() {
    return { message: 'secret' };
  }
}

const failures: Record<string, () => unknown> = {
  notFound: () => new NotFoundException('no such robot'),
  conflict: () => new ConflictException(),
  bodyOnly: () => new HttpException({ reason: 'x' }, 400),
  named: () => Object.assign(new ConflictException('twice'), { name: 'Twice' }),
  ws: () => new WsException('over ws'),
  wsNamed: () => new OutOfSight({ message: 'behind the shelf', robot: 3 }),
  impostor: () => new Impostor('secret'),
  number: () => new IModelError(65574, 'no such robot'),
  exposed: () => new OutOfStock('no more'),
};

class FailingBase {
  async fail(kind: string): Promise<void> {
    throw failures[kind]!();
  }
}
@RpcInterface(Failing)
class FailingImpl extends FailingBase {}
@IpcChannel('failing')
class FailingHandler extends FailingBase {}

@Module({
  imports: [RpcModule.forRoot(), IpcModule.forRoot()],
  providers: [FailingImpl, FailingHandler],
})
class AppModule {}

const adapters = { stock: ExpressAdapter, linnet: LinnetExpressAdapter };

/** The names of the classes after the minifier. */
export const names = [OutOfStock, FailingImpl, NotFoundException, WsException].map((type) =>
  String(Reflect.get(type, 'name')),
);

/** @returns the port of a server, and what ends it */
export async function start(adapter: keyof typeof adapters, decides: 'none' | 'enableCors' | 'cors()') {
  const app = await NestFactory.create(AppModule, new adapters[adapter](), { logger: false });
  const origin = 'https://page.example';
  if (decides === 'enableCors') app.enableCors({ origin });
  if (decides === 'cors()') app.use(cors({ origin }));
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  return { port, stop: () => app.close() };
}
