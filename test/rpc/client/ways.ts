import type { Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { RpcServer } from '@linnet/backend';
import { RPC_OPTIONS } from '../../../libs/backend/src/rpc/rpc.server.js';
import { natsServer, natsTransport } from '@linnet/nats';
import { defaultWireLimits, HttpRpcHandler, inMemoryHttp } from '@linnet/common';
import type { ErrorExposure, HttpHandlerOptions, RpcClientOptions } from '@linnet/common';
import { mapNestException } from '../../../libs/backend/src/nest/errors/exception.mapper.js';
import { hasNats, startNats } from '../../harness/nats.server.js';
import { adapterNames, startServer } from '../../conformance/tables/server.js';

/** A server, and how a client reaches it. */
export interface Way {
  readonly at: Pick<RpcClientOptions, 'uriPrefix' | 'send' | 'retry' | 'transport'>;
  stop(): Promise<void>;
}

const IN_MEMORY = 'memory';
/** Carries the requests of HTTP with a codec of its own. */
export const NATS = 'NATS';

/** The ways in which the client reaches a server: every suite runs over each. */
export const ways = [...adapterNames, IN_MEMORY, ...(hasNats ? [NATS] : [])];

/** Starts an application that is reached in one of the {@link ways}. */
export async function open(module: Type, way: string): Promise<Way> {
  if (way === IN_MEMORY) return openInMemory(module);
  if (way === NATS) return openOverNats(module);
  const { url, stop } = await startServer(module, way);
  return { at: { uriPrefix: url }, stop };
}

/** An application without an HTTP side, whose implementations are called all the same. */
async function openInMemory(module: Type): Promise<Way> {
  const { handler, close } = await openHandler(module);
  return { at: { send: inMemoryHttp(handler) }, stop: close };
}

async function openOverNats(module: Type): Promise<Way> {
  const nats = await startNats();
  const { handler, close } = await openHandler(module);
  const where = { servers: nats.servers, service: 'ways' };
  const listening = await natsServer(where).listen(handler);
  const info = { title: 'conformance', version: 'v1.0' };
  const transport = natsTransport({ ...where, info });
  const stop = async () => {
    await transport.close();
    await listening.close(0);
    await close();
    await nats.stop();
  };
  return { at: { transport }, stop };
}

async function openHandler(module: Type): Promise<{ handler: HttpRpcHandler; close(): Promise<void> }> {
  const context = await NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
  const { exposeErrors } = context.get<ErrorExposure>(RPC_OPTIONS, { strict: false });
  const options: HttpHandlerOptions = {
    limits: defaultWireLimits,
    mapError: mapNestException,
    exposeErrors,
  };
  const handler = new HttpRpcHandler(context.get(RpcServer).dispatcher, options);
  return { handler, close: () => context.close() };
}
