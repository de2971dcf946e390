import { OpenCalls } from '../../call/open.calls.js';
import { decoderFor } from '../protocol/content.encoding.js';
import { HttpCall } from './http.call.js';
import { badRequest, HttpError, shuttingDown } from '../protocol/message.js';
import type { HttpRequestHead, HttpResponse } from '../protocol/message.js';
import { pathOf } from '../protocol/url.reader.js';
import { HttpRpcService } from './rpc.service.js';
import type { HttpRpcServiceOptions } from './rpc.service.js';

const encoder = new TextEncoder();

/** Statuses that no Response with a body can have. */
const withoutBody = new Set([204, 205, 304]);

/** By the names that they have in requests. */
const formats: ReadonlyMap<string, 'gzip' | 'deflate'> = new Map([
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
]);

/** Compresses the body of an answer that asks for it. */
export type CompressBody = (answer: HttpResponse) => Promise<HttpResponse>;

/**
 * Serves RPC wherever requests come as `Request`: workers, Deno, Bun, routes of web frameworks.
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
  return new FetchRpcServer(new HttpRpcService(options));
}

/** Serves RPC on the messages of the fetch standard. */
export class FetchRpcServer {
  /** Calls that are yet to be answered; each ends its own at once. */
  readonly #open = new OpenCalls<() => void>();

  /** @param compress without it answers are sent as they are: many platforms compress by themselves */
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
    // The compressors fail only for want of memory; the answer is then sent as it is.
    const ready = answer.encoding ? await this.compress(answer).catch(() => answer) : answer;
    return responseOf(ready, head.method);
  };

  /**
   * Ends the service: new calls get 503, calls in flight finish.
   *
   * @param timeoutMs how long to wait for that; then what is left is answered with 503
   * @returns how many calls were left
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
    return responseOf(
      { status: 200, headers: ['Content-Type', answer.type], body: answer.text },
      head.method,
    );
  }

  async #answer(request: Request, head: HttpRequestHead): Promise<HttpResponse> {
    const opened = this.service.handler.open(head);
    if (!(opened instanceof HttpCall)) return opened;
    try {
      const refusal = await receive(opened, request);
      if (refusal) return refusal;
    } catch (error) {
      // The client has gone and reads no answer, or the body cannot be decompressed.
      const broken = badRequest('the body cannot be decompressed.');
      return opened.refuse(error instanceof HttpError ? error : broken);
    }
    return this.#respond(opened, request);
  }

  #respond(exchange: HttpCall, request: Request): Promise<HttpResponse> {
    return new Promise((resolve) => {
      const settle = (answer: HttpResponse) => {
        request.signal.removeEventListener('abort', gone);
        this.#open.delete(cut);
        resolve(answer);
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
 * A `Request` does not say on which address the server was reached. So names other than loopback's are to be listed,
 * and one that is listed is nobody's own computer.
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

/** @returns an answer that stands before the end of the body */
async function receive(exchange: HttpCall, request: Request): Promise<HttpResponse | undefined> {
  if (request.bodyUsed) throw new HttpError(500, 'The body was read by a middleware that did not keep it.');
  if (!request.body) return undefined;
  const reader = decompressed(request.body, request.headers.get('content-encoding')).getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    const refusal = exchange.push(piece.value);
    if (!refusal) continue;
    // Nothing more is unpacked of what might be a thousand times its size.
    void reader.cancel().catch(() => undefined);
    return refusal;
  }
  return undefined;
}

function decompressed(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  contentEncoding: string | null,
): ReadableStream<Uint8Array> {
  const format = decoderFor(contentEncoding, formats);
  return format ? body.pipeThrough(new DecompressionStream(format)) : body;
}

function responseOf({ status, headers, body }: HttpResponse, method: string): Response {
  const fields = new Headers();
  for (let i = 0; i < headers.length; i += 2) fields.append(headers[i]!, headers[i + 1]!);
  // Bytes, as text would be given a content type where there is to be none.
  const bytes =
    typeof body === 'string' ? [encoder.encode(body)] : body instanceof Uint8Array ? [body] : body;
  const content = new Blob(bytes as Uint8Array<ArrayBuffer>[]);
  if (method === 'HEAD') fields.set('Content-Length', String(content.size));
  return new Response(withoutBody.has(status) || method === 'HEAD' ? null : content, {
    // A status that no Response can have is a fault of the server.
    status: status >= 200 && status <= 599 ? status : 500,
    headers: fields,
  });
}
