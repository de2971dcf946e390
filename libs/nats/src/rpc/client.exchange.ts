import type { Msg, NatsConnection } from '@nats-io/transport-node';
import type { HttpReply, HttpRequest, StreamBody } from '@linnet/common';
import {
  ByteCollector,
  endingWith,
  isStreamType,
  joinBytes,
  leaveItems,
  readerItems,
} from '@linnet/common/internal';
import { NatsFrameKind, ownBytes, readFrame, writeFrame } from '../message/frame.js';
import {
  announceMore,
  headerOf,
  isUnheard,
  readResponse,
  sizeOfHeaders,
  writeRequest,
} from '../message/head.js';
import type { ResponseHead } from '../message/head.js';
import { IncomingBody } from '../message/incoming.body.js';
import { bodyOf, OutgoingBody } from '../message/outgoing.body.js';
import { isInbox } from '../message/subject.js';

/** How long a server may be silent, in milliseconds. It sends a sign of life every five seconds. */
const SILENCE_MS = 15_000;

const encoder = new TextEncoder();
const nothing = new Uint8Array();

/** The connection of a call. */
export interface ExchangeLine {
  readonly nats: NatsConnection;
  /** The subject of the service. */
  readonly subject: string;
  /** The subject that the answer comes to. */
  readonly inbox: string;
  /** The beginning of subjects that the server may give as its own. */
  readonly prefix: string;
  /** Makes the error of a call that no server has received. */
  unheard(): Error;
}

/** One request over NATS, and its answer. */
export class ClientExchange {
  #resolve!: (reply: HttpReply) => void;
  #reject!: (error: unknown) => void;
  /** The subject on which the server receives frames of this call, as soon as it has sent it. */
  #server: string | undefined;
  #heard = performance.now();
  #isOver = false;
  /** Whether the caller has left before the server was known. */
  #isLeft = false;
  #head: ResponseHead | undefined;
  #answer: IncomingBody | undefined;
  /** The body of the request that did not fit into the first message. */
  #upload: { readonly body: StreamBody; sender?: OutgoingBody } | undefined;
  readonly #abort = () => this.#leave(this.request.signal.reason);

  /** @param over called once, when no message of the call matters any more */
  constructor(
    private readonly request: HttpRequest,
    private readonly line: ExchangeLine,
    private readonly over: () => void,
  ) {}

  send(): Promise<HttpReply> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.request.signal.addEventListener('abort', this.#abort);
      try {
        this.#publish();
      } catch (error) {
        this.fail(error);
      }
    });
  }

  /** Fails the call if its server was silent for too long. */
  look(): void {
    const silence = performance.now() - this.#heard;
    if (silence < SILENCE_MS) return;
    this.#cancel();
    this.fail(new Error('the server that has received the call is silent.'));
  }

  /** The call is over without an answer, or with a part of one. */
  fail(error: unknown): void {
    this.#reject(error);
    this.#answer?.fail(error);
    this.#end();
  }

  /** Receives a message of the server. Never throws. */
  receive(message: Msg): void {
    this.#heard = performance.now();
    try {
      if (isUnheard(message)) {
        this.fail(this.#server === undefined ? this.line.unheard() : new Error('the server has gone away.'));
        return;
      }
      if (isInbox(message.reply, this.line.prefix)) this.#found(message.reply);
      if (this.#isOver) return;
      const head = this.#head ? undefined : readResponse(message);
      if (head) this.#begin(head, ownBytes(message.data));
      else this.#take(ownBytes(message.data));
    } catch (error) {
      this.#cancel();
      this.fail(error);
    }
  }

  #publish(): void {
    const { method, url, body } = this.request;
    const headers = writeRequest(method, url, this.request.headers);
    const most = this.#mostBytes - sizeOfHeaders(headers);
    const whole = wholeBody(body);
    const first =
      whole && whole.reduce((sum, part) => sum + part.byteLength, 0) <= most ? joinBytes(whole) : nothing;
    if (!whole || (first.byteLength === 0 && whole.some((part) => part.byteLength > 0))) {
      announceMore(headers);
      this.#upload = { body: whole ? bodyOf(whole) : readerItems<Uint8Array>(streamOf(body)) };
    }
    this.line.nats.publish(this.line.subject, first, { reply: this.line.inbox, headers });
  }

  /** The longest message that NATS carries. */
  get #mostBytes(): number {
    return this.line.nats.info!.max_payload;
  }

  /** The server has given its subject for this call. */
  #found(subject: string): void {
    if (this.#server !== undefined) return;
    this.#server = subject;
    if (this.#isLeft) {
      this.#cancel();
      this.#end();
      return;
    }
    const upload = this.#upload;
    if (!upload || this.#isOver) return;
    upload.sender = new OutgoingBody(upload.body, this.#mostBytes, (frame) => this.#sendFrame(frame));
    upload.sender.send().catch((error: unknown) => {
      if (this.#isOver) return;
      this.#cancel();
      this.fail(error);
    });
  }

  #begin(head: ResponseHead, data: Uint8Array): void {
    this.#head = head;
    const { status, headers, hasMore } = head;
    const header = (name: string) => headerOf(headers, name);
    if (!hasMore) {
      this.#resolve({ status, header, body: data });
      this.#end();
      return;
    }
    const body = new IncomingBody({
      taken: (bytes) => this.#sendFrame(writeFrame(NatsFrameKind.Taken, bytes)),
      left: () => {
        this.#cancel();
        this.#end();
      },
    });
    this.#answer = body;
    if (this.request.stream && isStreamType(header('content-type')))
      this.#resolve({ status, header, body: nothing, stream: endingWith(body, () => this.#end()) });
    else
      void collect(body, this.request.maxBytes).then((bytes) => {
        this.#resolve({ status, header, body: bytes });
        this.#end();
      }, this.#reject);
  }

  /** @throws Error if a frame does not fit to those before it */
  #take(data: Uint8Array): void {
    const frame = readFrame(data);
    if (!frame) return;
    switch (frame.kind) {
      case NatsFrameKind.Chunk:
        this.#answer?.receive(frame.position, frame.content);
        break;
      case NatsFrameKind.End:
        this.#answer?.end(frame.position);
        break;
      case NatsFrameKind.Taken:
        this.#upload?.sender?.taken(frame.position);
        break;
      default:
      // A sign of life has done its work.
    }
  }

  /** The caller does not wait any more. */
  #leave(reason: unknown): void {
    if (this.#isOver) return;
    this.#reject(reason);
    this.#answer?.fail(reason);
    this.#cancel();
    if (this.#server !== undefined || this.#head) this.#end();
    // The server gets the cancellation as soon as it has given its subject.
    else this.#isLeft = true;
  }

  #cancel(): void {
    if (this.#server !== undefined) this.#sendFrame(writeFrame(NatsFrameKind.Cancel));
  }

  #sendFrame(frame: Uint8Array): void {
    const { nats, inbox } = this.line;
    try {
      // With the inbox, NATS reports here if the server is gone.
      nats.publish(this.#server!, frame, { reply: inbox });
    } catch {
      // The connection is closed, and has failed the call.
    }
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.request.signal.removeEventListener('abort', this.#abort);
    if (this.#upload?.sender) this.#upload.sender.stop();
    else if (this.#upload) leaveItems(this.#upload.body);
    this.over();
  }
}

/** The byte strings of a body that is known; `undefined` for one that is made while it is sent. */
function wholeBody(body: HttpRequest['body']): readonly Uint8Array[] | undefined {
  if (body === undefined) return [];
  if (typeof body === 'string') return [encoder.encode(body)];
  return Array.isArray(body) ? (body as readonly Uint8Array[]) : undefined;
}

function streamOf(body: HttpRequest['body']): ReadableStream<Uint8Array> {
  const source = body as Blob | ReadableStream<Uint8Array>;
  return 'stream' in source ? source.stream() : source;
}

/** Reads an answer to its end. One that is longer than `most` is not read on: the client rejects it. */
async function collect(body: IncomingBody, most: number): Promise<Uint8Array> {
  const bytes = new ByteCollector();
  for (let chunk = await body.next(); !chunk.done; chunk = await body.next()) {
    bytes.push(chunk.value);
    if (bytes.size <= most) continue;
    await body.return();
    break;
  }
  return bytes.take();
}
