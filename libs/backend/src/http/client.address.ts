import type { IncomingMessage } from 'node:http';
import type { AbstractHttpAdapter } from '@nestjs/core';
import type { ExpressApplication } from './express.middleware.js';

/**
 * The address of the client of a request that the application's framework does not see, as the framework's own
 * `request.ip` would have it: behind proxies that the application trusts (`trust proxy` of Express, `trustProxy` of
 * Fastify) the one that they name, else that of the connection.
 */
export function clientAddress(adapter: AbstractHttpAdapter, message: IncomingMessage): string | undefined {
  const { headers, socket } = message;
  const framework: unknown = adapter.getInstance();
  const type = adapter.getType();
  if (type === 'express') {
    const { request } = framework as ExpressApplication;
    return addressOf(Object.create(request, { headers: { value: headers }, socket: { value: socket } }));
  }
  const prototype = type === 'fastify' ? fastifyRequestOf(framework as object) : undefined;
  return prototype ? addressOf(Object.create(prototype, { raw: { value: message } })) : socket.remoteAddress;
}

/** Fastify makes a class of requests for each application, which knows whom it trusts, and keeps it under a symbol. */
function fastifyRequestOf(fastify: object): object | null {
  const key = Object.getOwnPropertySymbols(fastify).find(
    ({ description }) => description === 'fastify.Request',
  );
  const type = key && (fastify as Record<symbol, unknown>)[key];
  return typeof type === 'function' ? (type.prototype as object) : null;
}

function addressOf(request: unknown): string | undefined {
  return (request as { readonly ip: string | undefined }).ip;
}
