import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { NestMiddleware } from '@nestjs/common';
import { correlationOf } from './correlation.activity.js';
import { ClientRequestContext } from './request.context.js';

/**
 * Gives ordinary controllers the context that RPC implementations have: activity id (from
 * `X-Correlation-ID`, or a new one), session, application.
 *
 * ```ts
 * consumer.apply(CorrelationMiddleware).forRoutes(CatsController);
 * ```
 */
@Injectable()
export class CorrelationMiddleware implements NestMiddleware<IncomingMessage> {
  /** Runs the rest of the request in its context. */
  use(request: IncomingMessage, _response: unknown, next: () => void): void {
    ClientRequestContext.run(correlationOf(request.headers), next);
  }
}
