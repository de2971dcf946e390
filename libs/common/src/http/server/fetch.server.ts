import { observer } from '../../base/observer.js';
import { OpenCalls } from '../../call/open.calls.js';
import { decoderFor } from '../protocol/content.encoding.js';
import { HttpCall } from '../call/http.call.js';
import { observedBody } from '../call/observed.body.js';
import { badRequest, HttpError, partsOf, shuttingDown, sizeOf } from '../protocol/message.js';
import type { HttpRequestHead, HttpResponse, StreamBody } from '../protocol/message.js';
import { pathOf } from '../protocol/url.reader.js';
import { createRpcService } from './rpc.service.js';
import { endingWith, readerItems } from '../../stream/reading.js';
import { receiveBody } from '../call/upload.pump.js';
import type { HttpRpcService } from './rpc.service.js';
import type { HttpRpcServiceOptions } from './rpc.service.js';

/** Statuses that a Response with a body cannot have. */
const withoutBody = new Set([204, 205, 304]);

/** Decompressors by the names of encodings in requests. */
const formats: ReadonlyMap<string, 'gzip' | 'deflate'> = new Map([
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
]);

/** Compresses the body of an answer that has an encoding. */
export type CompressBody = (answer: HttpResponse) => Promise<HttpResponse>;

/**
 * Serves RPC on platforms with `Request` and `Response`: workers, Deno, Bun, routes of web frameworks.
 *
 * ```ts
 * const server = createFetchServer({ interfaces: [[RobotWorldReadRpcInterface, RobotWorldReadRpcImpl]] });
 * export default { fetch: server.fetch };
 * ```
 *
 * @throws Error if an interface cannot be served
 */
export function createFetchServer<T extends readonly object[]>(
  options: HttpRpcServiceOptions<T>,
): FetchRpcServer {
  return new FetchRpcServer(createRpcService(options));
}

/** Serves RPC on the messages of the fetch standard. */
export class FetchRpcServer {
  /** Unanswered calls, each with the function that ends it at once. */
  readonly #open = new OpenCalls<() => void>();

  /** @param compress compresses answers; many platforms compress without it */
  constructor(
    /** @internal What is served. */
    readonly service: HttpRpcService,
    private readonly compress: CompressBody = async (answer) => answer,
  ) {}

  /** Answers a request; 404 if it does not belong to RPC. Needs no `this`, and never rejects. */
  readonly fetch = async (request: Request): Promise<Response> => {
    const head = headOf(request, this.service.handler.options.hosts);
    if (!this.service.handler.owns(head.method, head.target)) return this.#serviceResponse(head);
    const answer = await this.#answer(request, head);
    if (answer.stream) return streamOf(answer, observedBody(answer.stream));
    // Compression fails only without memory. The answer is then sent uncompressed.
    const ready = answer.encoding ? await this.compress(answer).catch(() => answer) : answer;
    observer?.body?.('out', sizeOf(partsOf(ready.body)));
    return responseOf(ready, head.method);
  };

  /**
   * Ends the service. New calls get 503, and running calls finish.
   *
   * @param timeoutMs the longest wait; after it the remaining calls are answered with 503
   * @returns the number of remaining calls
   */
  async close(timeoutMs: number): Promise<number> {
    this.service.handler.closing = true;
    const left = await this.#open.left(timeoutMs);
    for (const cut of left) cut();
    return left.length;
  }

  #serviceResponse(head: HttpRequestHead): Response {
    const { handler } = this.service;
    const answer = handler.trustsHost(head) && this.service.answer(head.method, pathOf(head.target));
    if (!answer) return new Response('Not Found', { status: 404 });
    return responseOf({ status: 200, ...answer }, head.method);
  }

  async #answer(request: Request, head: HttpRequestHead): Promise<HttpResponse> {
    const opened = this.service.handler.open(head);
    if (!(opened instanceof HttpCall)) return opened;
    let leave: () => void;
    try {
      const received = await receive(opened, request);
      if (typeof received !== 'function') return received;
      leave = received;
    } catch (error) {
      // The client has gone and reads no answer, or the body cannot be decompressed.
      const broken = badRequest('the body cannot be decompressed.');
      return opened.refuse(error instanceof HttpError ? error : broken);
    }
    return this.#respond(opened, request, leave);
  }

  /** @param leave called when the call is over */
  #respond(exchange: HttpCall, request: Request, leave: () => void): Promise<HttpResponse> {
    return new Promise((resolve) => {
      const over = () => {
        request.signal.removeEventListener('abort', gone);
        this.#open.delete(cut);
        leave();
      };
      const settle = (answer: HttpResponse) => {
        // A stream goes on behind its head.
        if (answer.stream) resolve({ ...answer, stream: endingWith(answer.stream, over) });
        else {
          over();
          resolve(answer);
        }
      };
      const cut = () => {
        exchange.activity.abort(new Error('The server is shutting down.'));
        settle(exchange.refuse(shuttingDown(true)));
      };
      const gone = () => exchange.activity.abort(new Error('The client is gone.'));
      this.#open.add(cut);
      request.signal.addEventListener('abort', gone);
      if (request.signal.aborted) gone();
      exchange.respond({ request }, (answer) =>
        settle(answer ?? exchange.refuse(new Error('The call was answered by other means than its result.'))),
      );
    });
  }
}

/**
 * A `Request` has no address of the server. Names other than loopback names must therefore be listed, and a listed name
 * does not count as this computer.
 */
function headOf(request: Request, hosts: readonly string[] = []): HttpRequestHead {
  const [, authority = '', target = ''] = /^[a-z]+:\/\/([^/?#]*)([^#]*)/i.exec(request.url) ?? [];
  const headers: Record<string, string> = Object.fromEntries(request.headers);
  const host = (headers['host'] ??= authority).toLowerCase();
  const isListed = hosts.some(
    (each) => each.toLowerCase() === host || host.startsWith(`${each.toLowerCase()}:`),
  );
  return {
    method: request.method,
    target: target.startsWith('/') ? target : `/${target}`,
    headers,
    isLoopback: () => !isListed,
  };
}

/** @returns an answer that does not need the rest of the body, or a function for the end of the call */
async function receive(exchange: HttpCall, request: Request): Promise<HttpResponse | (() => void)> {
  if (request.bodyUsed) throw new HttpError(500, 'The body was read by a middleware that did not keep it.');
  if (!request.body) return () => undefined;
  return receiveBody(
    exchange,
    readerItems<Uint8Array>(decompressed(request.body, request.headers.get('content-encoding'))),
  );
}

function decompressed(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  contentEncoding: string | null,
): ReadableStream<Uint8Array> {
  const format = decoderFor(contentEncoding, formats);
  return format ? body.pipeThrough(new DecompressionStream(format)) : body;
}

function fieldsOf(headers: readonly string[]): Headers {
  const fields = new Headers();
  for (let i = 0; i < headers.length; i += 2) fields.append(headers[i]!, headers[i + 1]!);
  return fields;
}

function streamOf({ status, headers }: HttpResponse, stream: StreamBody): Response {
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        const { done, value } = await stream.next();
        if (done) controller.close();
        else controller.enqueue(value as Uint8Array<ArrayBuffer>);
      },
      async cancel() {
        await stream.return();
      },
    },
    // Nothing is read before the platform wants it.
    { highWaterMark: 0 },
  );
  return new Response(body, { status, headers: fieldsOf(headers) });
}

function responseOf({ status, headers, body }: HttpResponse, method: string): Response {
  const fields = fieldsOf(headers);
  // Sent as bytes, because a Response adds a content type to text.
  const content = new Blob(partsOf(body) as Uint8Array<ArrayBuffer>[]);
  if (method === 'HEAD') fields.set('Content-Length', String(content.size));
  return new Response(withoutBody.has(status) || method === 'HEAD' ? null : content, {
    // An invalid status is a fault of the server.
    status: status >= 200 && status <= 599 ? status : 500,
    headers: fields,
  });
}
