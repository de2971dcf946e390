import { Injectable } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { finalize, Observable } from 'rxjs';
import { correlationOf } from '../../call/correlation.activity.js';
import { ClientRequestContext } from '../../call/request.context.js';

type Headers = Parameters<typeof correlationOf>[0];

/**
 * Gives handlers of controllers and gateways the context that RPC implementations have, in applications without the
 * {@link CorrelationMiddleware}. Guards run before the interceptor and do not see the context. Inside an RPC call, or
 * behind the middleware, it changes nothing.
 *
 * ```ts
 * @UseInterceptors(CorrelationInterceptor)
 * ```
 */
@Injectable()
export class CorrelationInterceptor implements NestInterceptor {
  /** Runs the handler in its context. */
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (ClientRequestContext.isActive) return next.handle();
    const activity = correlationOf(headersOf(context));
    activity.identifyBy(context.getArgByIndex<object>(0));
    // A handler starts when it is subscribed to, so that is what belongs to the activity.
    return new Observable((subscriber) =>
      ClientRequestContext.run(activity, () => next.handle().subscribe(subscriber)),
    ).pipe(finalize(() => activity.answered()));
  }
}

/** The headers of a request; a client of Socket.IO keeps those of its handshake, one of `ws` none. */
function headersOf(context: ExecutionContext): Headers {
  const source = (context.getArgByIndex<unknown>(0) ?? {}) as {
    headers?: Headers;
    handshake?: { headers?: Headers };
  };
  return source.headers ?? source.handshake?.headers ?? {};
}
