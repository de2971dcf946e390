import { observer } from '../../base/observer.js';
import type { StreamBody } from '../protocol/message.js';

/** The body of an answer, with the bytes that are read from it reported to an observer. */
export function observedBody(body: StreamBody): StreamBody {
  if (!observer?.body) return body;
  return {
    async next() {
      const chunk = await body.next();
      if (!chunk.done) observer?.body?.('out', chunk.value.byteLength);
      return chunk;
    },
    return: () => body.return(),
  };
}
