import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { NestMiddleware } from '@nestjs/common';
import { Activity } from '@linnet/common';
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
  use(request: IncomingMessage, _response: unknown, next: () => void): void {
    ClientRequestContext.run(activityOf(request.headers), next);
  }
}

function activityOf(headers: IncomingMessage['headers']): Activity {
  const text = (name: string) => String(headers[name] ?? '');
  return new Activity({
    activityId: text('x-correlation-id') || randomUUID(),
    sessionId: text('x-session-id'),
    applicationId: text('x-application-id'),
    applicationVersion: text('x-application-version'),
    accessToken: text('authorization'),
  });
}
