import { AsyncResource } from 'node:async_hooks';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable, Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { HttpPlatform, HttpResponse, HttpRpcHandler } from '@linnet/common';
import { decoderFor, hiddenError, HttpError, HttpExchange, OpenCalls } from '@linnet/common/internal';
import { NodeRequestHead } from './request.head.js';
import { compressBody, refuseBody, writeResponse } from './response.writer.js';

const decoders: ReadonlyMap<string, () => Transform> = new Map([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
]);

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
  /** Answers that are yet to be given, or on their way. */
  readonly #open = new OpenCalls<ServerResponse>();

  constructor(
    /** Answers what is read here. */
    readonly handler: HttpRpcHandler,
  ) {}

  /** Whether the request is one of RPC. */
  owns(request: IncomingMessage): boolean {
    return this.handler.owns(request.method!, request.url!);
  }

  /** Whether the server goes by the name that the request asks for. */
  trustsHost(request: IncomingMessage): boolean {
    return this.handler.trustsHost(new NodeRequestHead(request));
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

  /**
   * Ends the service: new calls get 503, calls in flight finish, and their answers are sent.
   *
   * @param timeoutMs how long to wait for that; then the connections of what is left are cut
   * @returns how many calls were left
   */
  async close(timeoutMs: number): Promise<number> {
    this.handler.closing = true;
    const left = await this.#open.left(timeoutMs);
    for (const response of left) response.destroy();
    return left.length;
  }

  /** Follows an answer until it is sent, or nobody is there to have it. */
  #track({ activity }: HttpExchange, request: IncomingMessage, response: ServerResponse): void {
    this.#open.add(response);
    const over = () => {
      if (!this.#open.delete(response)) return;
      if (!response.writableFinished) activity.abort(new Error('The client is gone.'));
    };
    response.on('close', over);
    // One that waits behind another on its connection is not told when that ends.
    if (!response.socket) request.socket.once('close', over);
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
    if (source === request && (request.readableDidRead || request.readableEnded)) {
      // An empty body has ended without anything to keep.
      const answer = request.readableDidRead ? takeParsedBody(exchange, request, platform) : undefined;
      if (answer) refuse(answer);
      else complete();
      return;
    }
    try {
      const makeDecoder = decoderFor(request.headers['content-encoding'], decoders);
      if (makeDecoder) body = source.pipe(makeDecoder());
    } catch (error) {
      return refuse(exchange.refuse(error));
    }
    const take = (chunk: Uint8Array) => {
      if (over) return;
      const answer = exchange.push(chunk);
      if (answer) refuse(answer);
    };
    const fail = () => {
      if (over) return;
      // A request that was read to its end is destroyed too.
      if (request.destroyed && !request.complete) over = true;
      else refuse(exchange.refuse(new HttpError(400, 'Invalid request: the body cannot be decompressed.')));
    };
    // Bodies arrive in events of the connection, outside of every AsyncLocalStorage that a middleware has set up.
    const scope = new AsyncResource('linnet:request');
    body.on('data', (chunk: Uint8Array) => scope.runInAsyncScope(take, undefined, chunk));
    body.on('end', () => scope.runInAsyncScope(complete));
    // Also what tells that the client is gone: a request that breaks off is destroyed with an error.
    body.on('error', () => scope.runInAsyncScope(fail));
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
    // Gone while a middleware or the body took its time: what nobody waits for need not be done.
    if (request.socket.destroyed || response.closed) return;
    this.#track(exchange, request, response);
    const peer = { request: platform.request ?? request, response: platform.response ?? response };
    exchange.respond(peer, (answer) => {
      if (!answer) return;
      if (this.handler.closing) answer.headers.push('Connection', 'close');
      if (!answer.encoding) this.#send(exchange, response, platform, answer);
      else void this.#compressAndSend(exchange, response, platform, answer);
    });
  }

  async #compressAndSend(
    exchange: HttpExchange,
    response: ServerResponse,
    platform: NodePlatform,
    answer: HttpResponse,
  ): Promise<void> {
    // The compressors fail only for want of memory; the answer is then sent as it is.
    const ready = await compressBody(answer).catch(() => answer);
    this.#send(exchange, response, platform, ready);
  }

  #send(
    exchange: HttpExchange,
    response: ServerResponse,
    platform: NodePlatform,
    answer: HttpResponse,
  ): void {
    try {
      if (platform.write) platform.write(answer);
      else writeResponse(response, answer);
    } catch (error) {
      // Nothing that can be answered any more: better a broken connection than one that waits.
      this.handler.options.report?.({
        kind: 'error',
        thrown: error,
        error: hiddenError(exchange.activity.activityId),
        activity: exchange.activity,
      });
      response.destroy();
    }
  }
}

/** A body that is gone from the stream is taken from who read it, or the request is refused: never awaited. */
function takeParsedBody(
  exchange: HttpExchange,
  { headers }: IncomingMessage,
  { parsedBody: parsed }: NodePlatform,
): HttpResponse | undefined {
  if (parsed instanceof Uint8Array) return exchange.push(parsed);
  const isText = /^text\/plain/i.test(headers['content-type'] ?? '');
  if (typeof parsed === 'string' && (isText || isLossless(parsed, headers)))
    return exchange.push(Buffer.from(parsed));
  if (Array.isArray(parsed) && isText) return takeParsedList(exchange, parsed);
  return exchange.refuse(new HttpError(500, 'The body was read by a middleware that did not keep it.'));
}

/** Whether bytes that were read as text are still the same: any that are no ASCII may be others. */
function isLossless(text: string, headers: IncomingMessage['headers']): boolean {
  const { 'content-length': length, 'content-encoding': encoding } = headers;
  return encoding === undefined && Number(length) === text.length && !/[^\0-\x7f]/.test(text);
}

function takeParsedList(exchange: HttpExchange, list: unknown[]): HttpResponse | undefined {
  try {
    return exchange.push(Buffer.from(JSON.stringify(list)));
  } catch {
    return exchange.refuse(new HttpError(400, 'Invalid request: the arguments are nested too deeply.'));
  }
}
