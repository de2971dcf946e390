import { randomUUID } from 'node:crypto';
import type { Msg, MsgHdrs, NatsConnection } from '@nats-io/transport-node';
import type { HttpResponse, HttpRpcHandler } from '@linnet/common';
import {
  HttpCall,
  HttpError,
  joinBytes,
  NOT_BEGUN_HEADER,
  observedBody,
  observer,
  partsOf,
  receiveBody,
  refusal,
  shuttingDown,
} from '@linnet/common/internal';
import type { BudgetShare, ByteBudget } from '@linnet/common/internal';
import { NatsFrameKind, ownBytes, readFrame, writeFrame } from '../message/frame.js';
import { announceMore, isUnheard, readRequest, sizeOfHeaders, writeResponse } from '../message/head.js';
import { IncomingBody } from '../message/incoming.body.js';
import { bodyOf, OutgoingBody } from '../message/outgoing.body.js';
import { ownerOf } from '../message/subject.js';
import type { NatsLimits } from './limits.js';

/** After this time without an answer, in milliseconds, a server gives its client a subject for frames. */
const FIRST_SIGN_MS = 50;
/** How often a server sends a sign of life, in milliseconds. */
const SIGN_MS = 5000;

/** The server of a call. */
export interface ServedCallHost {
  readonly nats: NatsConnection;
  readonly handler: HttpRpcHandler;
  readonly limits: NatsLimits;
  /** Bytes of answers that clients have not taken. */
  readonly unsent: ByteBudget<ServedCall>;
  /** Lets frames of a call in. @returns their subject */
  address(call: ServedCall, token: string): string;
  /** The call is over. */
  over(call: ServedCall, token: string | undefined): void;
}

/** One request that NATS has assigned to this server, and its answer. */
export class ServedCall {
  #call: HttpCall | undefined;
  #token: string | undefined;
  #address: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #arrival: ReturnType<typeof setTimeout> | undefined;
  #upload: IncomingBody | undefined;
  #answer: OutgoingBody | undefined;
  /** The bytes of the answer. */
  #held: BudgetShare<ServedCall> | undefined;
  /** Whether the head of the answer was sent. */
  #isAnswered = false;
  #isOver = false;
  #signs: ReturnType<typeof setInterval> | undefined;
  /** Called at the end of the call: the rest of its body is not read. */
  #leaveUpload = () => undefined as void;

  /** @param reply the inbox of the client for this call */
  constructor(
    private readonly host: ServedCallHost,
    readonly reply: string,
  ) {}

  /** Receives the request. Never throws. @param isTooMany whether the call exceeds the limit of open calls */
  begin(message: Msg, isTooMany: boolean): void {
    try {
      if (isTooMany)
        throw new HttpError(503, 'Too many calls are open.', ['Retry-After', '1', NOT_BEGUN_HEADER, '1']);
      this.#open(message);
    } catch (error) {
      this.#respond(refusal(error instanceof HttpError ? error : new HttpError(500, 'Internal error')));
    }
  }

  /** Receives a frame of the client, or the report of NATS that the client is gone. Never throws. */
  receive(message: Msg): void {
    try {
      if (isUnheard(message)) return this.#gone();
      const frame = readFrame(ownBytes(message.data));
      if (!frame) return;
      const { kind, position, content } = frame;
      if (kind === NatsFrameKind.Cancel) this.#gone();
      else if (kind === NatsFrameKind.Taken) this.#answer?.taken(position);
      else if (kind === NatsFrameKind.End) this.#upload?.end(position);
      else if (kind === NatsFrameKind.Chunk) {
        this.#upload?.receive(position, content);
        this.#arrival?.refresh();
      }
    } catch {
      // A client that breaks the rules is treated as one that has left.
      this.#gone();
    }
  }

  /** Ends the call early: the server shuts down, or the answer takes too much memory. */
  cut(reason: string): void {
    this.#call?.activity.abort(new Error(reason));
    if (!this.#isAnswered) this.#respond(refusal(shuttingDown(true)));
    this.#end();
  }

  /** @throws HttpError if the request does not become a call */
  #open(message: Msg): void {
    const { handler } = this.host;
    const { method, target, headers, hasMore } = readRequest(message);
    const head = {
      method,
      target: (handler.options.path ?? '') + target,
      headers,
      isLoopback: () => false,
      address: ownerOf(this.reply),
    };
    if (!handler.owns(method, head.target)) {
      this.#respond({
        status: 404,
        headers: ['Content-Type', 'text/plain; charset=utf-8'],
        body: 'Not Found',
      });
      return;
    }
    const opened = handler.open(head);
    if (!(opened instanceof HttpCall)) return this.#respond(opened);
    this.#call = opened;
    const refused = message.data.byteLength > 0 ? opened.push(ownBytes(message.data)) : undefined;
    if (refused) return this.#respond(refused);
    if (hasMore) {
      this.#receiveBody(opened);
      return;
    }
    this.#timer = setTimeout(() => this.#showLife(), FIRST_SIGN_MS);
    this.#run(opened);
  }

  #receiveBody(call: HttpCall): void {
    const upload = new IncomingBody({
      taken: (bytes) => this.#send(writeFrame(NatsFrameKind.Taken, bytes)),
      left: () => undefined,
    });
    this.#upload = upload;
    this.#arrival = setTimeout(
      () => this.#respond(call.refuse(new HttpError(408, 'The body of the request does not arrive.'))),
      this.host.limits.arrivalMs,
    );
    this.#showLife();
    receiveBody(call, upload).then(
      (received) => {
        if (typeof received !== 'function') this.#respond(received);
        else if (this.#isAnswered || this.#isOver) received();
        else {
          this.#leaveUpload = received;
          this.#run(call);
        }
      },
      () => this.#gone(),
    );
  }

  #run(call: HttpCall): void {
    clearTimeout(this.#arrival);
    call.respond({ isMessage: true }, (answer) => {
      if (this.#isOver) {
        void answer?.stream?.return();
        return;
      }
      this.#respond(
        answer ?? call.refuse(new Error('The call was answered by other means than its result.')),
      );
    });
  }

  /** Sends the answer, in one message if it fits. */
  #respond({ status, headers, body, stream }: HttpResponse): void {
    if (this.#isAnswered || this.#isOver) return;
    this.#isAnswered = true;
    const head = writeResponse(status, headers);
    const mostBytes = this.host.nats.info?.max_payload ?? 0;
    const parts = partsOf(body);
    const size = parts.reduce((sum, part) => sum + part.byteLength, 0);
    if (!stream && size + sizeOfHeaders(head) <= mostBytes) {
      observer?.body?.('out', size);
      this.#publish(joinBytes(parts), head);
      this.#end();
      return;
    }
    announceMore(head);
    this.#publish(new Uint8Array(), head, this.#ownAddress());
    this.#showLife();
    this.#answer = new OutgoingBody(observedBody(stream ?? bodyOf(parts)), mostBytes, (frame) =>
      this.#send(frame),
    );
    this.#hold(size);
    const over = () => this.#end();
    this.#answer.send().then(over, over);
  }

  /** Counts the bytes of an answer. Past the limit, the client with most of them loses its largest answers. */
  #hold(size: number): void {
    const { unsent } = this.host;
    this.#held = unsent.share(ownerOf(this.reply), this);
    this.#held.add(size);
    while (unsent.amount > unsent.limit)
      unsent.largest()!.holder.cut('Too many bytes of answers wait for this client.');
  }

  /** The client has stopped waiting. */
  #gone(): void {
    this.#call?.activity.abort(new Error('The client is gone.'));
    // The reader of a stream gets the error of its body, not the one of a call that is over.
    this.#leaveUpload = () => undefined;
    this.#upload?.fail(new Error('The client is gone.'));
    this.#end();
  }

  /** Sends a sign of life from now on. NATS reports if nobody hears it. */
  #showLife(): void {
    clearTimeout(this.#timer);
    if (this.#isOver || this.#signs) return;
    const sign = writeFrame(NatsFrameKind.Alive);
    this.#send(sign);
    this.#signs = setInterval(() => this.#send(sign), SIGN_MS);
  }

  #ownAddress(): string {
    // Not to be guessed: who knows it can cancel the call.
    return (this.#address ??= this.host.address(this, (this.#token = randomUUID())));
  }

  #send(frame: Uint8Array): void {
    this.#publish(frame, undefined, this.#ownAddress());
  }

  #publish(data: Uint8Array, headers?: MsgHdrs, reply?: string): void {
    try {
      this.host.nats.publish(this.reply, data, {
        ...(headers && { headers }),
        ...(reply !== undefined && { reply }),
      });
    } catch {
      // The connection is closed, and the client knows.
    }
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#arrival);
    clearInterval(this.#signs);
    this.#answer?.stop();
    this.#held?.clear();
    this.#leaveUpload();
    void this.#upload?.return();
    this.#call?.abandon();
    this.host.over(this, this.#token);
  }
}
