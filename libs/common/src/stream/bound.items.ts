import { settle } from '../base/settle.js';
import { inThisContext } from '../base/this.context.js';
import { leaveItems } from './reading.js';
import { streamEnd } from './stream.js';
import type { StreamItems } from './stream.js';

/** The same items, each of them made in the asynchronous context of the running code, whoever reads it. */
export function boundItems(items: StreamItems): StreamItems {
  const run = inThisContext((work: () => void) => work());
  const ask = (method: 'next' | 'return') =>
    new Promise<IteratorResult<unknown>>((resolve, reject) =>
      run(() => settle(() => items[method](), resolve as (result: unknown) => void, reject)),
    );
  return { next: () => ask('next'), return: () => ask('return') };
}

/**
 * The same items, whose producer is stopped in the asynchronous context of the running code, whoever stops it. It costs nothing for
 * each item: for a reader that asks in this context.
 */
export function stoppedHere(items: StreamItems): StreamItems {
  const stop = inThisContext(() => leaveItems(items));
  return {
    next: () => items.next(),
    return() {
      stop(undefined);
      return Promise.resolve(streamEnd);
    },
  };
}
