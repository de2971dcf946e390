import type { Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { RpcServer } from '@linnet/backend';
import { RPC_OPTIONS } from '../../../libs/backend/src/rpc/rpc.server.js';
import { defaultWireLimits, HttpRpcHandler, inMemoryHttp } from '@linnet/common';
import type { ErrorExposure, HttpHandlerOptions, RpcClientOptions } from '@linnet/common';
import { mapNestException } from '../../../libs/backend/src/nest/errors/exception.mapper.js';
import { adapterNames, startServer } from '../../conformance/tables/server.js';

/** A server, and how a client reaches it. */
export interface Way {
  readonly at: Pick<RpcClientOptions, 'uriPrefix' | 'send' | 'retry'>;
  stop(): Promise<void>;
}

const IN_MEMORY = 'memory';

/** The ways in which the client reaches a server: every suite runs over each. */
export const ways = [...adapterNames, IN_MEMORY];

/** Starts an application that is reached in one of the {@link ways}. */
export async function open(module: Type, way: string): Promise<Way> {
  if (way === IN_MEMORY) return openInMemory(module);
  const { url, stop } = await startServer(module, way);
  return { at: { uriPrefix: url }, stop };
}

/** An application without an HTTP side, whose implementations are called all the same. */
async function openInMemory(module: Type): Promise<Way> {
  const context = await NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
  const { exposeErrors } = context.get<ErrorExposure>(RPC_OPTIONS, { strict: false });
  const options: HttpHandlerOptions = {
    limits: defaultWireLimits,
    mapError: mapNestException,
    exposeErrors,
  };
  const handler = new HttpRpcHandler(context.get(RpcServer).dispatcher, options);
  return { at: { send: inMemoryHttp(handler) }, stop: () => context.close() };
}
