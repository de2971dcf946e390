import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DynamicModule, Type } from '@nestjs/common';
import { MODULE_METADATA } from '@nestjs/common/constants.js';
import express from 'express';
import { createRpcServer } from '@linnet/backend/node';
import type { PlainRpcServer, RpcServerOptions } from '@linnet/backend/node';
import type { RpcImplementationEntry } from '@linnet/common';
import { RPC_IMPLEMENTATION } from '../../../libs/backend/src/rpc/rpc.decorator.js';
import type { RpcImplementationMetadata } from '../../../libs/backend/src/rpc/rpc.decorator.js';
import { RPC_OPTIONS } from '../../../libs/backend/src/rpc/rpc.server.js';
import { callWithoutNest } from '../../conformance/tables/fixture.js';
import { fetchBridge } from './fetch.bridge.js';

/** The servers without Nest: what holds over one holds over all. */
export const platforms: Record<string, (rpc: PlainRpcServer) => Server> = {
  'node:http': (rpc) => createServer(rpc.handler),
  'plain Express': (rpc) => createServer(express().use(rpc.handler)),
  // A connection with an unread body is closed only when it is no longer kept alive.
  fetch: (rpc) => createServer({ keepAliveTimeout: 500 }, fetchBridge(rpc.fetch)),
};

export const plainNames = Object.keys(platforms);

/** A server that listens on 127.0.0.1, on a port that was free. */
export interface PlainServer {
  readonly port: number;
  readonly url: string;
  stop(): Promise<void>;
}

/** Has a server listen until it is stopped. */
export async function listen(server: Server): Promise<PlainServer> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const stop = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { port, url: `http://127.0.0.1:${port}`, stop };
}

/** Serves what the providers of a module implement, by its options, without Nest. */
export function startPlain(module: Type, name: string): Promise<PlainServer> {
  const read = (key: string) => Reflect.getMetadata(key, module) as unknown[];
  const interfaces = read(MODULE_METADATA.PROVIDERS).map((provider): RpcImplementationEntry => {
    const { definition, partial } = Reflect.getMetadata(
      RPC_IMPLEMENTATION,
      provider as Type,
    ) as RpcImplementationMetadata;
    return [definition, provider as Type<object>, { partial }];
  });
  const [root] = read(MODULE_METADATA.IMPORTS) as DynamicModule[];
  const options = root!.providers!.find((each) => (each as { provide: unknown }).provide === RPC_OPTIONS) as {
    useValue: Omit<RpcServerOptions, 'interfaces'>;
  };
  const rpc = createRpcServer({
    ...options.useValue,
    interfaces,
    around: (call, next) => callWithoutNest.run(call, next),
    report: () => undefined,
  });
  return listen(platforms[name]!(rpc));
}
