import type { IncomingMessage } from 'node:http';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { expressAddress } from '../nest/internals/express.internals.js';
import { fastifyAddress } from '../nest/internals/fastify.internals.js';

/**
 * The address of the client of a request that the application's framework does not see. It is the one that `request.ip` of
 * the framework has: behind proxies that the application trusts (`trust proxy` of Express, `trustProxy` of Fastify) the
 * address that they name, else the address of the connection.
 */
export function clientAddress(adapter: AbstractHttpAdapter, message: IncomingMessage): string | undefined {
  const type = adapter.getType();
  if (type === 'express') return expressAddress(adapter.getInstance(), message);
  return type === 'fastify' ? fastifyAddress(adapter.getInstance(), message) : message.socket.remoteAddress;
}
