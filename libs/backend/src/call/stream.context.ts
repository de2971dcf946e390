import { AsyncResource } from 'node:async_hooks';
import type { BindItems } from '@linnet/common/internal';

/** Makes every item of a stream be produced in the asynchronous context of the running code: that of the call. */
export const bindItems: BindItems = (items) => {
  const scope = new AsyncResource('linnet:stream');
  return {
    next: () => scope.runInAsyncScope(items.next, items),
    return: () => scope.runInAsyncScope(items.return, items),
  };
};
