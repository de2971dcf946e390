import { reasonOf, throwIfAborted } from '../../base/abort.js';
import { concatBytes } from '../../base/bytes.js';
import { HttpCall } from '../server/http.call.js';
import type { HttpRpcHandler } from '../server/handler.js';
import type { HttpResponse, StreamBody } from '../protocol/message.js';
import { endingWith, readerItems } from '../../stream/reading.js';
import { pumpUpload } from '../server/upload.pump.js';
import type { HttpReply, HttpRequest, HttpSend } from '../client/send.js';

const encoder = new TextEncoder();

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
      const abort = () => {
        opened.activity.abort(new Error('The client is gone.'));
        reject(reasonOf(signal));
      };
      const respond = () => {
        signal.addEventListener('abort', abort, { once: true });
        opened.respond({}, (answer) => {
          const left = () => signal.removeEventListener('abort', abort);
          if (answer?.stream) {
            resolve({ ...replyOf(answer), stream: followed(endingWith(answer.stream, left), signal) });
            return;
          }
          left();
          if (answer) resolve(replyOf(answer));
          else reject(new Error('The call was answered by other means than its result.'));
        });
      };
      if (isFlowing(body)) {
        flow(opened, readerItems<Uint8Array>('stream' in body ? body.stream() : body)).then(
          (refusal) => (refusal ? resolve(replyOf(refusal)) : respond()),
          reject,
        );
        return;
      }
      for (const chunk of typeof body === 'string' ? [encoder.encode(body)] : (body ?? [])) {
        const refusal = opened.push(chunk);
        if (!refusal) continue;
        resolve(replyOf(refusal));
        return;
      }
      respond();
    });
}

type Flowing = Exclude<NonNullable<HttpRequest['body']>, string | readonly Uint8Array[]>;

function isFlowing(body: HttpRequest['body']): body is Flowing {
  return typeof body === 'object' && !Array.isArray(body);
}

/** Sends a body until it is complete, or the call begins while its stream flows. @returns an answer that needs no more of it */
async function flow(call: HttpCall, body: StreamBody): Promise<HttpResponse | undefined> {
  for (let piece = await body.next(); !piece.done; piece = await body.next()) {
    const refusal = call.push(piece.value);
    if (refusal) {
      await body.return();
      return refusal;
    }
    if (call.upload) {
      pumpUpload(call, body);
      return undefined;
    }
  }
  return undefined;
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
  const parts =
    typeof body === 'string' ? [encoder.encode(body)] : body instanceof Uint8Array ? [body] : body;
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
