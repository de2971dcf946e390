import type { CallWatch } from '../base/observer.js';
import type { StreamItems } from './stream.js';

/** The same items, with every one and the end reported to the observer of their call. */
export function observedItems(items: StreamItems, watch: CallWatch): StreamItems {
  return {
    async next() {
      try {
        const result = await items.next();
        if (result.done) watch.end({ kind: 'result' });
        else watch.step({ kind: 'item', value: result.value });
        return result;
      } catch (error) {
        watch.end({ kind: 'error', error });
        throw error;
      }
    },
    return() {
      watch.end({ kind: 'left' });
      return items.return();
    },
  };
}
