// Members of Fastify 5.12.8 and Nest's adapter 12.5.0 that are not part of their public interfaces, or that are replaced.

import type { IncomingMessage } from 'node:http';
import type { AbstractHttpAdapter } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Runs a function with the path of each middleware that Nest adds: the adapter keeps no list of them. */
export function onMiddlewarePath(adapter: AbstractHttpAdapter, added: (path: string) => void): void {
  const target = adapter as unknown as {
    createMiddlewareFactory(method: unknown): Promise<(path: string, callback: unknown) => unknown>;
  };
  const create = target.createMiddlewareFactory.bind(adapter);
  target.createMiddlewareFactory = async (method) => {
    const use = await create(method);
    return (path, callback) => {
      added(path);
      return use(path, callback);
    };
  };
}

/**
 * Serves requests before the handler of Nest for requests without a route. Nest sets that handler when it starts, and Fastify
 * accepts only one.
 *
 * @param serve answers a request; `undefined` leaves it to Nest
 */
export function beforeNotFound(
  adapter: AbstractHttpAdapter,
  serve: (request: FastifyRequest, reply: FastifyReply) => unknown,
): void {
  const { setNotFoundHandler } = adapter as Required<AbstractHttpAdapter>;
  adapter.setNotFoundHandler = (
    notFound: (request: FastifyRequest, reply: FastifyReply) => unknown,
    ...rest
  ) =>
    setNotFoundHandler.call(
      adapter,
      (request: FastifyRequest, reply: FastifyReply) => serve(request, reply) ?? notFound(request, reply),
      ...rest,
    );
}

/** Runs a function when a reply gets its answer. Hooks may delay the sending, so that `reply.sent` is too late. */
export function onReply(reply: FastifyReply, answered: () => void): void {
  const send = reply.send.bind(reply);
  reply.send = (payload?: unknown) => {
    answered();
    return send(payload);
  };
}

/**
 * The client's address of a message that Fastify has not seen, by its `request.ip`, which knows the trusted proxies. Fastify
 * makes a class of requests for each application, and keeps it under a symbol that it does not export.
 */
export function fastifyAddress(fastify: object, message: IncomingMessage): string | undefined {
  const key = Object.getOwnPropertySymbols(fastify).find(
    ({ description }) => description === 'fastify.Request',
  );
  const type = key && (fastify as Record<symbol, unknown>)[key];
  if (typeof type !== 'function') return message.socket.remoteAddress;
  const request = Object.create(type.prototype as object, { raw: { value: message } }) as {
    readonly ip: string | undefined;
  };
  return request.ip;
}
