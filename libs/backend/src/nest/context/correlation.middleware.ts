import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { NestMiddleware } from '@nestjs/common';
import { correlationOf } from '../../call/correlation.activity.js';
import { ClientRequestContext } from '../../call/request.context.js';

/**
 * Gives ordinary controllers the context that RPC implementations have: activity id (from
 * `X-Correlation-ID`, or a new one), session, application.
 *
 * ```ts
 * consumer.apply(CorrelationMiddleware).forRoutes(CatsController);
 * ```
 */
@Injectable()
export class CorrelationMiddleware implements NestMiddleware<IncomingMessage, ServerResponse> {
  /** Runs the rest of the request in its context, which has credentials and user until the answer is sent. */
  use(request: IncomingMessage, response: ServerResponse, next: () => void): void {
    const activity = correlationOf(request.headers);
    activity.identifyBy(request);
    response.once('close', () => activity.answered());
    ClientRequestContext.run(activity, next);
  }
}
