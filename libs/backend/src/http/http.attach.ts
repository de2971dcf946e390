import type { AbstractHttpAdapter } from '@nestjs/core';
import { ExpressWay } from './express.way.js';
import { FastifyWay } from './fastify.way.js';
import type { HttpFramework, HttpWay } from './http.framework.js';

/** RPC's way into an application: begun as soon as there is an adapter, finished when all is known. */
export interface HttpAttachment extends HttpFramework {
  attach(): void;
}

/**
 * Begins to watch what an application adds to its HTTP side, so that its own middleware can be told from Nest's.
 *
 * @throws Error for a framework that is not known
 */
export function watchHttp(adapter: AbstractHttpAdapter, way: HttpWay): HttpAttachment {
  switch (adapter.getType()) {
    case 'express':
      return new ExpressWay(adapter, way);
    case 'fastify':
      return new FastifyWay(adapter, way);
    default:
      throw new Error(`RpcModule serves applications on Express and Fastify, not on ${adapter.getType()}.`);
  }
}

/**
 * Lets calls in flight finish before anything else of the application ends: Nest destroys modules from the root
 * down, so that the root's database would be closed before a library's own hook came.
 */
export function drainOnClose(adapter: AbstractHttpAdapter, { server, logger, services }: HttpWay): void {
  // Nest awaits what it returns, and adapters may return nothing.
  const closing = adapter as unknown as { beforeClose(): unknown };
  const beforeClose = closing.beforeClose.bind(adapter);
  closing.beforeClose = async () => {
    const left = await server.handler.close(services.shutdownTimeoutMs);
    if (left > 0)
      logger.warn(`${left} calls were still running after ${services.shutdownTimeoutMs} ms, and were left.`);
    await beforeClose();
  };
}
