import { AsyncResource } from 'node:async_hooks';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable, Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { AnswerClient, HttpPlatform, HttpResponse, HttpRpcHandler, StreamBody } from '@linnet/common';
import {
  decoderFor,
  hiddenError,
  HttpError,
  observedBody,
  observer,
  shuttingDown,
} from '@linnet/common/internal';
import type { HttpCall, OpenCalls, UploadedStream } from '@linnet/common/internal';
import { takeParsedBody } from './parsed.body.js';
import type { ConnectionCalls } from './connection.calls.js';
import type { ResponseBacklog } from './response.backlog.js';
import {
  compressBody,
  lengthOf,
  LINGER_MS,
  writeResponse,
  writesDirectly,
  writeStream,
} from './response.writer.js';
import { compressStream } from './stream.compression.js';

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
  /** Sends an answer whose body is a stream, compressed already; default: {@link writeStream}. */
  writeStream?(answer: HttpResponse, stream: StreamBody): void;
  /** Gives the response out of the platform's hands: it is written by its own methods from now on. */
  takeOver?(): void;
}

/** The parts that a call needs of the server that it came to. */
export interface NodeCallHost {
  readonly handler: HttpRpcHandler;
  /** Answers that are yet to be given, or on their way. */
  readonly open: OpenCalls<ServerResponse>;
  /** Requests whose bodies are being read. */
  readonly receiving: Set<NodeCall>;
  /** Answers that wait for their clients. */
  readonly backlog: ResponseBacklog;
  /** The calls of a connection where they do not wait for each other's answers. */
  callsOf(request: IncomingMessage): ConnectionCalls | undefined;
  /** Has the connection end with an answer of a server that ends, when all calls on it are answered. */
  endConnection(request: IncomingMessage, response: ServerResponse, answer: HttpResponse): void;
  /** Answers a request that becomes no call, whether it has been read or not. */
  refuse(
    request: IncomingMessage,
    response: ServerResponse,
    platform: NodePlatform,
    answer: HttpResponse,
  ): void;
}

/** One request on Node's messages: reads its body, has it answered, and follows the answer to its end. */
export class NodeCall implements AnswerClient {
  /** Whether nothing more is read: all of it is there, it was refused, or the client is gone. */
  #isRead = false;
  /** Unpacks the body. */
  #decoder: Transform | undefined;
  /** Where the body is read from. */
  #body: Readable | undefined;
  /** The answer, if it is a stream. */
  #stream: StreamBody | undefined;
  /** Whether the call has begun: the rest of the body is a stream among its arguments. */
  #isUploading = false;

  constructor(
    private readonly server: NodeCallHost,
    private readonly exchange: HttpCall,
    private readonly request: IncomingMessage,
    private readonly response: ServerResponse,
    private readonly platform: NodePlatform,
  ) {}

  /** Reads the body, and makes the call. */
  receive(): void {
    const { request, platform, exchange } = this;
    const source = platform.body ?? request;
    if (source === request && (request.readableDidRead || request.readableEnded)) {
      // An empty body has ended without anything to keep.
      const answer = request.readableDidRead
        ? takeParsedBody(exchange, request, platform.parsedBody)
        : undefined;
      if (answer) this.#refuse(answer);
      else this.#complete();
      return;
    }
    // Destroyed before anybody listened: neither its end nor its failure will be heard of.
    if (source === request && request.destroyed) return exchange.abandon();
    let body: Readable = source;
    try {
      const makeDecoder = decoderFor(request.headers['content-encoding'], decoders);
      if (makeDecoder) body = this.#decoder = source.pipe(makeDecoder());
    } catch (error) {
      return this.#refuse(exchange.refuse(error));
    }
    this.server.receiving.add(this);
    // Bodies arrive in events of the connection, outside of every AsyncLocalStorage that a middleware has set up.
    const scope = new AsyncResource('linnet:request');
    const take = (chunk: Uint8Array) => this.#take(chunk);
    this.#body = body;
    body.on('data', (chunk: Uint8Array) => scope.runInAsyncScope(take, undefined, chunk));
    body.on('end', () => scope.runInAsyncScope(() => this.#complete()));
    // Also what tells that the client is gone: a request that breaks off is destroyed with an error.
    body.on('error', () => scope.runInAsyncScope(() => this.#fail()));
    // A middleware may have paused it, and listening does not let it flow again.
    if (body.isPaused()) body.resume();
    if (body !== request) request.on('error', () => body.destroy(new Error('The client is gone.')));
  }

  /** Refuses the call if its body has not arrived, because the server ends. */
  refuseIncomplete(): void {
    if (!this.#isRead) this.#refuse(this.exchange.refuse(shuttingDown()));
  }

  #take(chunk: Uint8Array): void {
    if (this.#isRead) return;
    const { exchange } = this;
    const answer = exchange.push(chunk);
    if (answer) return this.#refuse(answer);
    if (!exchange.upload) return;
    if (!this.#isUploading) {
      this.#isUploading = true;
      this.server.receiving.delete(this);
      this.#begin();
    }
    this.#hold(exchange.upload);
  }

  /** Stops reading while the method has enough to read. The rest of a stream that it leaves is discarded. */
  #hold(upload: UploadedStream): void {
    if (!upload.isFull) return;
    this.#body?.pause();
    upload.onSpace(() => this.#body?.resume());
  }

  #fail(): void {
    if (this.#isRead) return;
    if (this.#isUploading) {
      this.#endReading();
      this.exchange.endUpload(new Error('The client has disconnected in the middle of a stream.'));
      return;
    }
    // A request that was read to its end is destroyed too.
    if (this.request.destroyed && !this.request.complete) {
      this.#endReading();
      this.exchange.abandon();
    } else
      this.#refuse(
        this.exchange.refuse(new HttpError(400, 'Invalid request: the body cannot be decompressed.')),
      );
  }

  #endReading(): void {
    this.#isRead = true;
    this.server.receiving.delete(this);
  }

  #refuse(answer: HttpResponse): void {
    this.#endReading();
    // Nothing more is unpacked of what might be a thousand times its size.
    this.#decoder?.destroy();
    this.server.refuse(this.request, this.response, this.platform, answer);
  }

  #complete(): void {
    if (this.#isRead) return;
    this.#endReading();
    // The call has begun already if the body has a stream argument that arrived in pieces.
    if (!this.#isUploading) this.#begin();
    if (this.exchange.upload) this.exchange.endUpload();
  }

  /** Whether the client is still sending a stream argument. Asked when the call is over, and nobody reads the rest. */
  get #isStillSending(): boolean {
    return this.#isUploading && !this.#isRead && !this.request.complete;
  }

  #begin(): void {
    const { request, response, platform, server } = this;
    // Gone while a middleware or the body took its time: what nobody waits for need not be done.
    if (request.socket.destroyed || response.closed) return this.exchange.abandon();
    server.open.add(response);
    response.on('close', () => this.#over());
    server.callsOf(request)?.begun(response, () => this.#over());
    const peer = { request: platform.request ?? request, response: platform.response ?? response };
    this.exchange.respond(peer, (answer) => {
      if (!answer) return;
      if (!answer.stream && this.#isStillSending && server.open.has(response)) return this.#refuse(answer);
      server.endConnection(request, response, answer);
      if (answer.stream) this.#sendStream(answer, answer.stream);
      else if (!answer.encoding) this.#send(answer);
      else void this.#compressAndSend(answer);
    });
  }

  #sendStream(answer: HttpResponse, stream: StreamBody): void {
    const { response, platform, server } = this;
    this.#stream = stream;
    stream.client = this;
    stream.asksWhenSent = !answer.encoding && !platform.writeStream && writesDirectly(response);
    if (!server.open.has(response)) {
      void stream.return();
      return;
    }
    const ready = compressStream(answer, stream);
    const body = observedBody(ready.stream);
    try {
      if (platform.writeStream) platform.writeStream(ready, body);
      else writeStream(response, ready, body);
    } catch (error) {
      body.return().catch(() => undefined);
      this.#break(error);
    }
  }

  /** Called by a stream that the client does not read. */
  disconnect(): void {
    this.request.socket.destroy();
  }

  /** The answer is sent, or nobody is there to have it. */
  #over(): void {
    const { request, response, server } = this;
    if (!server.open.delete(response)) return;
    server.backlog.sent(response);
    if (!response.writableFinished) this.exchange.activity.abort(new Error('The client is gone.'));
    void this.#stream?.return();
    this.#endUpload();
    server.callsOf(request)?.done(response);
  }

  /** The call is over: nothing is read any more, and the connection of a client that goes on sending is closed. */
  #endUpload(): void {
    if (!this.#isStillSending) return;
    this.#endReading();
    const left = 'The client has disconnected in the middle of a stream.';
    this.exchange.endUpload(new Error(this.response.writableFinished ? 'The call is over.' : left));
    const { socket } = this.request;
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  }

  async #compressAndSend(answer: HttpResponse): Promise<void> {
    // The compressors fail only for want of memory; the answer is then sent as it is.
    this.#send(await compressBody(answer).catch(() => answer));
  }

  #send(answer: HttpResponse): void {
    const { response, platform, server } = this;
    // Its connection is over, and what would be written stayed with it.
    if (!server.open.has(response)) return;
    try {
      if (platform.write) platform.write(answer);
      else writeResponse(response, answer);
      observer?.body?.('out', lengthOf(answer.body));
      server.backlog.add(response, answer);
    } catch (error) {
      this.#break(error);
    }
  }

  /** Breaks the connection, because the answer cannot be sent: its client must not wait. */
  #break(thrown: unknown): void {
    const { activity } = this.exchange;
    const error = hiddenError(activity.activityId);
    this.server.handler.options.report?.({ kind: 'error', thrown, error, activity });
    this.response.destroy();
  }
}
