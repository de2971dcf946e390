import { AsyncResource } from 'node:async_hooks';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { from, isObservable, Observable } from 'rxjs';
import { settle } from '@linnet/common/internal';

/**
 * Runs a method inside its interceptors, the first outermost; what Nest's own consumer does, with a third of its
 * promises and subscriptions.
 *
 * @param call the method; what it returns may be a promise or an Observable
 * @returns what the outermost interceptor makes of it
 */
export function intercept(
  interceptors: readonly NestInterceptor[],
  context: ExecutionContext,
  call: () => unknown,
): Observable<unknown> {
  const start = (index: number): unknown => {
    const interceptor = interceptors[index];
    return interceptor ? interceptor.intercept(context, handlerAt(index + 1)) : call();
  };
  const handlerAt = (index: number): CallHandler => ({
    handle: () => {
      // An interceptor may set up a context around this call, and is subscribed to outside of it.
      const scope = new AsyncResource('linnet:interceptor');
      return new Observable((subscriber) => {
        settle(
          () => scope.runInAsyncScope(start, undefined, index),
          (value) => {
            if (subscriber.closed) return;
            if (isObservable(value)) subscriber.add(from(value).subscribe(subscriber));
            else if (index < interceptors.length) subscriber.error(notObservable(interceptors[index]!));
            else {
              subscriber.next(value);
              subscriber.complete();
            }
          },
          (error) => subscriber.error(error),
        );
      });
    },
  });
  return handlerAt(0).handle();
}

function notObservable({ constructor: { name } }: NestInterceptor): TypeError {
  return new TypeError(`${name}.intercept() did not return an Observable.`);
}
