import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { HttpError, HttpExchange } from '@linnet/common';
import type { HttpPlatform, HttpRequestHead, HttpResponse, HttpRpcHandler } from '@linnet/common';
import { compressBody, refuseBody, writeResponse } from './response.writer.js';

/** How a platform hands over a request, where it is not `node:http` itself. */
export interface NodePlatform extends HttpPlatform {
  /** Where the body is read from; default: the request. */
  readonly body?: Readable;
  /** A body that a parser of the platform has read already. */
  readonly parsedBody?: unknown;
  /** Sends an answer, compressed already; default: {@link writeResponse}. */
  write?(answer: HttpResponse): void;
  /** Gives the response out of the platform's hands: it is written by its own methods from now on. */
  takeOver?(): void;
}

/** Serves RPC on Node's HTTP messages, whoever made the server. */
export class NodeRpcServer {
  constructor(readonly handler: HttpRpcHandler) {}

  /** Whether the request is one of RPC. */
  owns(request: IncomingMessage): boolean {
    return this.handler.owns(request.method!, request.url!);
  }

  /** Answers a request. Never throws; settles whatever the peer does. */
  serve(request: IncomingMessage, response: ServerResponse, platform: NodePlatform = {}): void {
    const opened = this.handler.open(new NodeRequestHead(request));
    if (opened instanceof HttpExchange) {
      this.#receive(opened, request, response, platform);
      return;
    }
    platform.takeOver?.();
    refuseBody(response, opened);
  }

  #receive(
    exchange: HttpExchange,
    request: IncomingMessage,
    response: ServerResponse,
    platform: NodePlatform,
  ): void {
    let over = false;
    const source = platform.body ?? request;
    let body = source;
    const refuse = (answer: HttpResponse) => {
      over = true;
      // Nothing more is unpacked of what might be a thousand times its size.
      if (body !== source) body.destroy();
      platform.takeOver?.();
      refuseBody(response, answer);
    };
    const complete = () => {
      if (over) return;
      over = true;
      this.#respond(exchange, request, response, platform);
    };
    if (request.readableDidRead && source === request) {
      const answer = takeParsedBody(exchange, platform.parsedBody);
      return answer ? refuse(answer) : complete();
    }
    try {
      body = decompress(source, request.headers['content-encoding']);
    } catch (error) {
      return refuse(exchange.refuse(error));
    }
    body.on('data', (chunk: Uint8Array) => {
      if (over) return;
      const answer = exchange.push(chunk);
      if (answer) refuse(answer);
    });
    body.on('end', complete);
    // Also what tells that the client is gone: a request that breaks off is destroyed with an error.
    body.on('error', () => {
      if (over) return;
      // A request that was read to its end is destroyed too.
      if (request.destroyed && !request.complete) {
        over = true;
        exchange.cancel();
      } else refuse(exchange.refuse(new HttpError(400, 'Invalid request: the body cannot be decompressed.')));
    });
    // A middleware may have paused it, and listening does not let it flow again.
    if (body.isPaused()) body.resume();
    if (body !== request) request.on('error', () => body.destroy(new Error('The client is gone.')));
  }

  #respond(
    exchange: HttpExchange,
    request: IncomingMessage,
    response: ServerResponse,
    platform: NodePlatform,
  ): void {
    const peer = {
      request: platform.request ?? request,
      response: platform.response ?? response,
      onClosed: (gone: () => void) => whenClosed(response, gone),
    };
    exchange.respond(peer, (answer) => {
      if (!answer) return;
      if (this.handler.closing) answer.headers.push('Connection', 'close');
      void this.#write(exchange, response, platform, answer);
    });
  }

  async #write(
    exchange: HttpExchange,
    response: ServerResponse,
    platform: NodePlatform,
    answer: HttpResponse,
  ): Promise<void> {
    try {
      const ready = answer.encoding ? await compressBody(answer) : answer;
      if (platform.write) platform.write(ready);
      else writeResponse(response, ready);
    } catch (error) {
      // Nothing that can be answered any more: better a broken connection than one that waits.
      this.handler.options.report?.({
        kind: 'warning',
        message: `The answer could not be written: ${String(error)}`,
        activity: exchange.activity,
      });
      response.destroy();
    }
  }
}

/** Calls back when the connection is gone before the answer was sent. */
function whenClosed(response: ServerResponse, gone: () => void): void {
  if (response.destroyed) gone();
  else
    response.once('close', () => {
      if (!response.writableFinished) gone();
    });
}

class NodeRequestHead implements HttpRequestHead {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingMessage['headers'];

  constructor(private readonly request: IncomingMessage) {
    this.method = request.method!;
    this.target = request.url!;
    this.headers = request.headers;
  }

  isLoopback(): boolean {
    const address = this.request.socket.localAddress;
    // Without an address it is a pipe or a Unix socket, which nobody reaches from elsewhere.
    return address === undefined || /^(::ffff:)?127\.|^::1$/.test(address);
  }
}

function decompress(source: Readable, contentEncoding: string | undefined): Readable {
  switch (contentEncoding?.toLowerCase()) {
    case undefined:
    case '':
    case 'identity':
      return source;
    case 'gzip':
    case 'x-gzip':
      return source.pipe(createGunzip());
    case 'deflate':
      return source.pipe(createInflate());
    case 'br':
      return source.pipe(createBrotliDecompress());
    default:
      throw new HttpError(415, `Invalid request: content encoding "${contentEncoding}" is not read.`);
  }
}

/** A body that is gone from the stream is taken from who read it, or the request is refused: never awaited. */
function takeParsedBody(exchange: HttpExchange, parsed: unknown): HttpResponse | undefined {
  if (parsed instanceof Uint8Array) return exchange.push(parsed);
  if (typeof parsed === 'string') return exchange.push(Buffer.from(parsed));
  if (Array.isArray(parsed)) return exchange.push(Buffer.from(JSON.stringify(parsed)));
  return exchange.refuse(new HttpError(500, 'The body was read by a middleware that did not keep it.'));
}
