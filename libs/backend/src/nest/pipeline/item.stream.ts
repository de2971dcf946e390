import type { ExecutionContext, NestInterceptor } from '@nestjs/common';
import { ItemQueue, leaveItems } from '@linnet/common/internal';
import type { StreamItems } from '@linnet/common/internal';
import { Observable } from 'rxjs';
import type { Subscription } from 'rxjs';
import { ClientRequestContext } from '../../call/request.context.js';
import { bindItems } from '../../call/stream.context.js';
import { intercept } from './interceptor.chain.js';

/** Items that interceptors add by themselves and that wait for the reader. */
const MAX_HELD = 10_000;
/** After this many items other work of the process has its turn: an operator may drop all of them. */
const ITEMS_PER_TURN = 16;

/**
 * The items of a method inside its interceptors, whose operators act on each item. The method is asked for an item only while
 * the reader waits for one, because an Observable cannot be slowed down. Items that an operator holds back wait in the operator.
 *
 * The signal of the activity is aborted if an interceptor ends the stream before the method does: a generator that waits would notice
 * it only at its next `yield`.
 *
 * @param method calls the method
 */
export function interceptedItems(
  interceptors: readonly NestInterceptor[],
  context: ExecutionContext,
  method: () => Promise<StreamItems>,
): StreamItems {
  let subscription: Subscription | undefined;
  let wake = () => undefined as void;
  const activity = ClientRequestContext.current;
  let isMethodOver = false;
  const over = () => {
    if (!isMethodOver) activity.endMethod(new Error('An interceptor has ended the stream.'));
  };
  const queue: ItemQueue = new ItemQueue({
    taken: () => undefined,
    starved: () => wake(),
    left: () => subscription?.unsubscribe(),
  });
  const wanted = () => (queue.isAwaited ? undefined : new Promise<void>((resolve) => (wake = resolve)));
  const source = intercept(interceptors, context, async () => {
    // In the context that the interceptors have set up.
    const items = bindItems(await method());
    return pulled(items, wanted, () => (isMethodOver = true));
  });
  return {
    next() {
      const next = queue.next();
      subscription ??= source.subscribe({
        next: (value) => {
          queue.push(value, 1);
          if (queue.bytes > MAX_HELD) {
            queue.clear(new Error(`An interceptor holds more than ${MAX_HELD} items.`));
            over();
          }
          if (queue.isOver) subscription?.unsubscribe();
        },
        error: (error) => {
          queue.fail(error);
          over();
        },
        complete: () => {
          queue.end();
          over();
        },
      });
      return next;
    },
    return: () => queue.return(),
  };
}

/** An Observable of items that reads each one when it is wanted. */
function pulled(
  items: StreamItems,
  wanted: () => Promise<void> | undefined,
  over: () => void,
): Observable<unknown> {
  return new Observable((subscriber) => {
    let isDone = false;
    const end = () => {
      isDone = true;
      over();
    };
    const pull = async () => {
      for (let count = 1; !subscriber.closed; count++) {
        await wanted();
        if (count % ITEMS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
        if (subscriber.closed) return;
        const { done, value } = await items.next();
        if (done) {
          end();
          subscriber.complete();
        } else subscriber.next(value);
      }
    };
    pull().catch((error: unknown) => {
      end();
      subscriber.error(error);
    });
    return () => {
      if (!isDone) leaveItems(items);
    };
  });
}
