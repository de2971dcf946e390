import type { AddressInfo } from 'node:net';
import type { INestApplication, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { LinnetExpressAdapter } from '@linnet/backend/express';
import type { RpcInterfaceDefinition } from '@linnet/common';
import { plainNames, startPlain } from '../../rpc/plain/plain.servers.js';
import type { PlainServer } from '../../rpc/plain/plain.servers.js';

/** The ways in which an application is reached: every suite runs over each. */
const adapters: Record<string, () => AbstractHttpAdapter> = {
  'stock Express': () => new ExpressAdapter(),
  LinnetExpressAdapter: () => new LinnetExpressAdapter(),
  Fastify: () => new FastifyAdapter(),
};

export const adapterNames = Object.keys(adapters);

/** Has no HTTP side, and listens to nothing: what is handed to the application is all that reaches it. */
export const NO_HTTP = 'an application context';

/** The same and the servers without Nest: every suite that needs nothing of Nest runs over each. */
export const serverNames = [...adapterNames, ...plainNames];

/** A server that listens on 127.0.0.1, on a port that was free. */
export interface TestServer extends PlainServer {
  readonly app: INestApplication;
}

/** Starts an application, or what its providers implement without Nest. */
export function start(module: Type, name: string): Promise<PlainServer> {
  return plainNames.includes(name) ? startPlain(module, name) : startServer(module, name);
}

export async function startServer(module: Type, adapter: string): Promise<TestServer> {
  if (adapter === NO_HTTP) return startContext(module);
  const app = await NestFactory.create(module, adapters[adapter]!(), {
    logger: false,
    abortOnError: false,
    forceCloseConnections: true,
  });
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  return { app, port, url: `http://127.0.0.1:${port}`, stop: () => app.close() };
}

async function startContext(module: Type): Promise<TestServer> {
  const app = await NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
  return { app: app as INestApplication, port: 0, url: '', stop: () => app.close() };
}

/** The path at which a client asks for an operation. */
export function pathTo(definition: RpcInterfaceDefinition, operation: string): string {
  const { interfaceName, interfaceVersion } = definition;
  return `/t/v1/mode/1/context/T/imodel/M/changeset/C/${interfaceName}-${interfaceVersion}-${operation}`;
}
