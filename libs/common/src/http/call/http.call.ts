import { observer } from '../../base/observer.js';
import { Activity } from '../../call/activity.js';
import { streamRefusal } from '../../call/stream.result.js';
import type { StreamItems } from '../../stream/stream.js';
import { GENERAL_ERROR, IModelError } from '../../error/imodel.error.js';
import type { RpcCall, SettledOutcome } from '../../rpc/server/call.js';
import { outcomeOf } from '../../rpc/server/dispatcher.js';
import { hiddenError } from '../../error/error.members.js';
import type { WireError } from '../../error/error.members.js';
import { describeLosses } from '../../value/value.inspector.js';
import { refusedBody } from '../protocol/arguments.reader.js';
import { HttpError, headerOf, noSpace, shuttingDown, tooLarge } from '../protocol/message.js';
import type { HttpResponse } from '../protocol/message.js';
import { settledResponse, streamResponse } from './call.response.js';
import type { OpenedRequest } from './call.response.js';
import { transportOf } from './call.transport.js';
import type { HttpPlatform } from './call.transport.js';
import { ProgressAnswer } from './progress.answer.js';
import { StreamAnswer } from './stream.answer.js';
import { HeldBytes } from './held.bytes.js';
import type { BodyHolder } from './held.bytes.js';
import type { HttpServerContext } from './server.context.js';
import type { UnsentAnswer } from './unsent.answers.js';
import { encodeOutcome, encodeStreamError } from '../protocol/reply.writer.js';
import type { EncodedOutcome } from '../protocol/reply.writer.js';
import { chooseFormat } from '../protocol/stream.frames.js';
import { writerFor } from '../protocol/stream.writer.js';
import type { UploadedStream } from '../protocol/uploaded.stream.js';
import { PROGRESS_HEADER, readDeadline, readEventId, readTraceHeaders } from '../protocol/headers.js';
import { inflateTokens } from '../protocol/token.inflation.js';

/** One request on its way to becoming a call, and its answer on the way back. */
export class HttpCall implements BodyHolder {
  /** The activity of the call; the platform aborts it when the client disconnects. */
  readonly activity: Activity;
  readonly #protocolVersion: number;
  #received = 0;
  readonly #held: HeldBytes;

  constructor(
    private readonly context: HttpServerContext,
    private readonly opened: OpenedRequest,
  ) {
    const { head, route, target, activityId } = opened;
    this.#held = new HeldBytes(context.bodies, head.address, this);
    this.#protocolVersion = parseInt(headerOf(head, 'x-protocol-version'), 10) || 0;
    this.activity = new Activity({
      activityId,
      sessionId: headerOf(head, 'x-session-id'),
      applicationId: headerOf(head, 'x-application-id'),
      applicationVersion: headerOf(head, 'x-application-version'),
      accessToken: headerOf(head, 'authorization'),
      rpcMethod: route.operation,
      deadline: readDeadline(head.headers),
      lastEventId: target?.policy.resumable ? readEventId(head.headers) : undefined,
      trace: readTraceHeaders(head.headers),
    });
  }

  /**
   * Receives a piece of the (decompressed) body.
   *
   * @returns an answer that does not need the rest of the body
   */
  push(chunk: Uint8Array): HttpResponse | undefined {
    observer?.body?.('in', chunk.byteLength);
    if (this.upload) {
      this.#receive(this.upload, () => this.opened.body.push(chunk));
      return undefined;
    }
    this.#received += chunk.byteLength;
    try {
      const { body } = this.opened;
      if (this.#received > body.limit) throw tooLarge(body.limit);
      if (body.keeps) this.#held.count(this.#received);
      // `count` may have dropped this very body, so it is read from `opened` again.
      this.opened.body.push(chunk);
      this.#countUnread(this.upload);
      return undefined;
    } catch (error) {
      return this.refuse(error);
    }
  }

  /**
   * A stream among the arguments: the call can begin, while the platform pushes the rest of the body. The platform stops
   * reading while it is full, and discards the rest when it is over.
   */
  get upload(): UploadedStream | undefined {
    return this.opened.body.upload;
  }

  /** The body of an {@link upload} is complete, or it has failed. */
  endUpload(failure?: Error): void {
    const { upload } = this;
    if (failure) upload?.items.fail(failure);
    else if (upload)
      this.#receive(upload, () => {
        this.opened.body.end();
        upload.items.end();
      });
  }

  /** An error goes to the method that reads the stream: it has begun, so that the request cannot be refused any more. */
  #receive(upload: UploadedStream, read: () => void): void {
    const { items } = upload;
    try {
      if (!items.isOver) read();
    } catch (error) {
      items.fail(error);
    }
    this.#held.count(upload.countBytes());
  }

  /** From now on the bytes that the method has not read are counted as held. */
  #countUnread(upload: UploadedStream | undefined): void {
    if (!upload) return;
    upload.onRead = () => this.#held.count(upload.countBytes());
    upload.onRead();
  }

  /** The answer to a request whose body could not be read. */
  refuse(error: unknown): HttpResponse {
    this.abandon();
    return this.context.refuse(error, this.opened.origin);
  }

  /** Discards the body. */
  abandon(): void {
    if (this.#held.release()) this.opened.body = refusedBody;
  }

  /** Discards the body, because the server has no space for it. */
  drop(): void {
    if (!this.upload) return this.abandon();
    this.#held.release();
    this.upload.drop(noSpace(true));
  }

  /**
   * Runs the call after the body is complete. Never throws.
   *
   * @param answer called once; without an answer if code of the platform has sent one
   */
  respond(platform: HttpPlatform, answer: (response: HttpResponse | undefined) => void): void {
    let call: RpcCall | undefined;
    try {
      // The body may have taken its time, and the application what the call needs.
      if (this.context.closing) throw shuttingDown();
      call = this.#call(platform);
    } catch (error) {
      answer(error instanceof HttpError ? this.refuse(error) : this.#settle(outcomeOf(error), call));
      return;
    }
    const progress = this.#progressOf(call, answer);
    this.context.dispatcher.dispatch(call, (outcome) => {
      if (progress?.settle(outcome)) return;
      if (outcome.kind === 'stream') this.#stream(outcome.items, call, answer);
      else answer(this.#settle(outcome, call));
    });
  }

  /** Has the method report its progress to a client that reads it. */
  #progressOf(
    call: RpcCall,
    answer: (response: HttpResponse | undefined) => void,
  ): ProgressAnswer | undefined {
    const { head } = this.opened;
    if (head.headers[PROGRESS_HEADER] === undefined || chooseFormat(headerOf(head, 'accept')) !== 'frames')
      return undefined;
    const { stream } = call.target.policy;
    const progress = new ProgressAnswer((items) => this.#stream(items, call, answer), !stream);
    this.activity.reportTo((value) => progress.report(value));
    return progress;
  }

  /** Answers with a stream as soon as its first item, its end or an error is there. */
  #stream(
    items: StreamItems,
    call: RpcCall,
    answer: (response: HttpResponse | undefined) => void,
  ): StreamAnswer {
    const { activity } = this;
    const { options } = this.context;
    const format = chooseFormat(headerOf(this.opened.head, 'accept')) ?? 'frames';
    const resumed = call.target.policy.resumable ? (activity.lastEventId ?? 0) : undefined;
    const writer = writerFor(format, resumed, options);
    const failed = (thrown: unknown, isUnsendable: boolean) => this.#streamError(thrown, isUnsendable);
    const countUnsent = (unread: UnsentAnswer) => this.context.unsent.of(unread, this.opened.head.address);
    const over = () => this.#held.end();
    const stream = new StreamAnswer(items, writer, { activity, failed, countUnsent, over }, (beginning) => {
      if (beginning.kind === 'open')
        answer(streamResponse(this.context, this.opened, stream, writer, beginning.isBytes));
      else if (beginning.kind === 'left') answer(this.refuse(new Error('The client is gone.')));
      else answer(this.#settle(outcomeOf(beginning.thrown), call, beginning.isUnsendable));
    });
    return stream;
  }

  /** Reports an error that ends a stream. @returns JSON text of its visible members */
  #streamError(thrown: unknown, isUnsendable: boolean): string {
    const { activityId } = this.activity;
    try {
      const { text, error } = encodeStreamError(thrown, activityId, this.context.options);
      if (error) this.#reportError(thrown, isUnsendable ? { ...error, internal: true } : error);
      return text;
    } catch (failure) {
      // A function in the application's options failed.
      for (const each of [thrown, failure]) this.#reportError(each, hiddenError(activityId));
      return JSON.stringify(hiddenError(activityId).body);
    }
  }

  #call(platform: HttpPlatform): RpcCall {
    const { target, head } = this.opened;
    this.activity.identifyBy(platform.request as object | undefined);
    const args = this.#arguments();
    // Without a target, this throws the error of the lookup.
    if (!target!.policy.allowTokenMismatch) this.#inflateTokens(args);
    // A client that cannot read the stream must not have it made.
    if (target!.policy.stream && !chooseFormat(headerOf(head, 'accept')))
      throw streamRefusal(`${target!.definition.interfaceName}.${target!.operation}`);
    return {
      target: target!,
      arguments: args,
      activity: this.activity,
      transport: transportOf(this.opened, platform, this.#protocolVersion, this.context),
    };
  }

  #arguments(): unknown[] {
    if (this.upload) return this.upload.arguments;
    try {
      return this.opened.body.end();
    } finally {
      this.abandon();
    }
  }

  /** @param isFault whether an error is a fault of the server, even if it has a number */
  #settle(outcome: SettledOutcome, call?: RpcCall, isFault = false): HttpResponse | undefined {
    this.activity.answered();
    this.#held.end();
    if (outcome.kind === 'answered') return undefined;
    // The method has passed on the error of the body that it was reading.
    if (outcome.kind === 'error' && outcome.error instanceof HttpError) return this.refuse(outcome.error);
    try {
      const encoded = encodeOutcome(outcome, this.#protocolVersion, this.activity, this.context.options);
      this.#report(outcome, encoded, isFault);
      return settledResponse(this.context, this.opened, outcome, encoded, call);
    } catch (error) {
      // A function in the application's options failed. Report the original error, too.
      if (outcome.kind === 'error') this.#reportError(outcome.error, hiddenError(this.activity.activityId));
      this.#reportError(error, hiddenError(this.activity.activityId));
      return this.context.refuse(error, this.opened.origin);
    }
  }

  #inflateTokens(args: unknown[]): void {
    const { head, route } = this.opened;
    if (!inflateTokens(args, route.token, head.target)) return;
    const message = 'IModelRpcProps mismatch detected for this request.';
    if (this.context.options.throwOnTokenMismatch) throw new IModelError(GENERAL_ERROR, message);
    this.#warn(message);
  }

  #report(outcome: SettledOutcome, { error, thrown }: EncodedOutcome, isFault: boolean): void {
    // A result that cannot be sent is a fault of the server, even if its error has a number.
    const isAsThrown = !isFault && (outcome.kind === 'error' || outcome.kind === 'noContent');
    if (error) this.#reportError(thrown, isAsThrown ? error : { ...error, internal: true });
    else if (this.context.options.developmentMode && outcome.kind === 'result')
      for (const loss of describeLosses(outcome.value)) this.#warn(`The caller will not see it: ${loss}.`);
  }

  #reportError(thrown: unknown, error: WireError): void {
    this.context.options.report?.({ kind: 'error', thrown, error, activity: this.activity });
  }

  #warn(message: string): void {
    this.context.options.report?.({ kind: 'warning', message, activity: this.activity });
  }
}
