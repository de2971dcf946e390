import { reasonOf, throwIfAborted } from '../../base/abort.js';
import { concatBytes } from '../../bytes/bytes.js';
import { HttpCall } from '../call/http.call.js';
import type { HttpRpcHandler } from '../server/handler.js';
import { partsOf } from '../protocol/message.js';
import type { HttpResponse, StreamBody } from '../protocol/message.js';
import { endingWith, readerItems } from '../../stream/reading.js';
import { receiveBody } from '../call/upload.pump.js';
import type { HttpReply, HttpRequest, HttpSend } from '../client/send.js';

/**
 * Sends requests to a handler in the same process, as bytes. Values change as they do on the network, and neither side
 * sees objects of the other.
 *
 * ```ts
 * const server = createRpcClient({ send: inMemoryHttp(handler) });
 * ```
 *
 * Aborting a request aborts its activity, as the end of a connection does.
 */
export function inMemoryHttp(handler: HttpRpcHandler): HttpSend {
  return ({ method, url, headers, body, signal }) =>
    new Promise((resolve, reject) => {
      throwIfAborted(signal);
      const target = url.replace(/^[a-z]+:\/\/[^/]*/i, '');
      if (!handler.owns(method, target)) {
        resolve(replyOf({ status: 404, headers: [], body: '' }));
        return;
      }
      const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
      const head = { method, target, headers: Object.fromEntries(lower), isLoopback: () => true };
      const opened = handler.open(head);
      if (!(opened instanceof HttpCall)) {
        resolve(replyOf(opened));
        return;
      }
      let leave = () => undefined as void;
      const abort = () => {
        opened.activity.abort(new Error('The client is gone.'));
        reject(reasonOf(signal));
      };
      // From the beginning, because a body takes its time.
      signal.addEventListener('abort', abort, { once: true });
      const over = () => {
        signal.removeEventListener('abort', abort);
        leave();
      };
      const answered = (answer: HttpResponse) => {
        over();
        resolve(replyOf(answer));
      };
      const respond = () => {
        opened.respond({}, (answer) => {
          if (answer?.stream)
            resolve({ ...replyOf(answer), stream: followed(endingWith(answer.stream, over), signal) });
          else if (answer) answered(answer);
          else {
            over();
            reject(new Error('The call was answered by other means than its result.'));
          }
        });
      };
      if (isFlowing(body)) {
        const items = readerItems<Uint8Array>('stream' in body ? body.stream() : body);
        receiveBody(opened, items).then(
          (received) => {
            if (typeof received !== 'function') return answered(received);
            leave = received;
            if (!signal.aborted) return respond();
            // A server does not begin a call whose connection has ended before its body.
            over();
            opened.abandon();
          },
          (error: unknown) => {
            over();
            opened.abandon();
            reject(error);
          },
        );
        return;
      }
      for (const chunk of partsOf(body ?? [])) {
        const refusal = opened.push(chunk);
        if (refusal) return answered(refusal);
      }
      respond();
    });
}

type Flowing = Exclude<NonNullable<HttpRequest['body']>, string | readonly Uint8Array[]>;

function isFlowing(body: HttpRequest['body']): body is Flowing {
  return typeof body === 'object' && !Array.isArray(body);
}

/** The body of an answer, which ends with the signal as the body of a connection does. */
function followed(stream: StreamBody, signal: AbortSignal): StreamBody {
  return {
    async next() {
      const chunk = await stream.next();
      throwIfAborted(signal);
      return chunk;
    },
    return: () => stream.return(),
  };
}

function replyOf({ status, headers, body }: HttpResponse): HttpReply {
  const parts = partsOf(body);
  const total = parts.reduce((sum, part) => sum + part.byteLength, 0);
  return {
    status,
    header(name) {
      const at = headers.findIndex((each, i) => i % 2 === 0 && each.toLowerCase() === name.toLowerCase());
      return at < 0 ? null : headers[at + 1]!;
    },
    // A copy, so that the caller does not share memory with the implementation.
    body: concatBytes(parts, total),
  };
}
