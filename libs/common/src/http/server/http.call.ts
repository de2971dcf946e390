import type { BudgetShare, ByteBudget } from '../../base/byte.budget.js';
import { Activity } from '../../call/activity.js';
import { GENERAL_ERROR, IModelError } from '../../error/imodel.error.js';
import type { RpcCall, RpcOperationTarget, RpcOutcome } from '../../rpc/server/call.js';
import { outcomeOf } from '../../rpc/server/dispatcher.js';
import type { RpcDispatcher } from '../../rpc/server/dispatcher.js';
import { hiddenError } from '../../error/error.members.js';
import type { WireError } from '../../error/error.members.js';
import { describeLosses } from '../../value/value.inspector.js';
import { refusedBody } from '../protocol/arguments.reader.js';
import type { HttpBody } from '../protocol/arguments.reader.js';
import { cacheControl, chooseEncoding } from '../protocol/cache.policy.js';
import { HttpError, headerOf, shuttingDown, sizeOf, tooLarge } from '../protocol/message.js';
import type { HttpRequestHead, HttpResponse } from '../protocol/message.js';
import type { HttpHandlerOptions } from './options.js';
import { encodeOutcome } from '../protocol/reply.writer.js';
import type { EncodedOutcome } from '../protocol/reply.writer.js';
import type { HttpRoute } from '../protocol/url.reader.js';
import { CLIENT_HEADER, NOT_BEGUN_HEADER, readDeadline, TIMEOUT_HEADER } from '../protocol/headers.js';
import { isUnbegun, readableStatus } from '../protocol/status.js';
import { inflateTokens } from '../protocol/token.inflation.js';

/** The parts of the handler that its calls use. */
export interface HttpCallHost {
  readonly dispatcher: RpcDispatcher;
  readonly options: HttpHandlerOptions;
  /** Received parts of bodies that have not ended. */
  readonly bodies: ByteBudget<HttpCall>;
  /** Whether calls are refused, because the server is about to end. */
  readonly closing: boolean;
  finish(response: HttpResponse): HttpResponse;
  corsHeaders(origin: string | undefined): string[];
  refuse(error: unknown, origin: string | undefined): HttpResponse;
}

/** The part of a request that its head determines. */
export interface OpenedRequest {
  readonly head: HttpRequestHead;
  readonly route: HttpRoute;
  /** The operation that is called, if there is one. */
  readonly target: RpcOperationTarget | undefined;
  /** Takes the body, and makes arguments of it. */
  body: HttpBody;
  readonly activityId: string;
  /** The origin of the calling page; `undefined` if the caller is not a page. */
  readonly origin: string | undefined;
}

/** The platform's side of a call. */
export interface HttpPlatform {
  /** The request of the platform's framework, for guards and filters. */
  readonly request?: unknown;
  /** The response of the platform's framework. */
  readonly response?: unknown;
}

/** A body is counted among those of all only above this size: so much any connection costs. */
const SMALLEST_HELD = 64 * 1024;

const VARY = 'Accept-Encoding, Authorization, X-Protocol-Version, Origin';
/** Smaller answers are sent as they are: compressing them costs more than the bytes it saves. */
const SMALLEST_COMPRESSED = 1024;

/** One request on its way to becoming a call, and its answer on the way back. */
export class HttpCall {
  /** The activity of the call; the platform aborts it when the client has gone. */
  readonly activity: Activity;
  readonly #protocolVersion: number;
  #received = 0;
  /** The share that the body holds. */
  #held: BudgetShare<HttpCall> | undefined;

  constructor(
    private readonly host: HttpCallHost,
    private readonly opened: OpenedRequest,
  ) {
    const { head, route, activityId } = opened;
    this.#protocolVersion = parseInt(headerOf(head, 'x-protocol-version'), 10) || 0;
    this.activity = new Activity({
      activityId,
      sessionId: headerOf(head, 'x-session-id'),
      applicationId: headerOf(head, 'x-application-id'),
      applicationVersion: headerOf(head, 'x-application-version'),
      accessToken: headerOf(head, 'authorization'),
      rpcMethod: route.operation,
      deadline: readDeadline(head.headers[TIMEOUT_HEADER]),
    });
  }

  /**
   * Takes a piece of the (decompressed) body.
   *
   * @returns an answer that stands already: the rest of the body is not to be read
   */
  push(chunk: Uint8Array): HttpResponse | undefined {
    this.#received += chunk.byteLength;
    try {
      const { body } = this.opened;
      if (this.#received > body.limit) throw tooLarge(body.limit);
      if (this.#received > SMALLEST_HELD && body.keeps) this.#hold(chunk.byteLength);
      // Read anew: where room was lacking, the body has been replaced.
      this.opened.body.push(chunk);
      return undefined;
    } catch (error) {
      return this.refuse(error);
    }
  }

  /** The answer to a request whose body could not be read. */
  refuse(error: unknown): HttpResponse {
    this.abandon();
    return this.host.refuse(error, this.opened.origin);
  }

  /** Drops the body: it is not needed any more. */
  abandon(): void {
    if (!this.#held) return;
    this.#held.clear();
    this.#held = undefined;
    this.opened.body = refusedBody;
  }

  /** Counts what is held of the body. Where all of them are too much, whoever has most loses what he has. */
  #hold(bytes: number): void {
    const { bodies } = this.host;
    const share = (this.#held ??= bodies.share(this.opened.head.address ?? '', this));
    share.add(share.amount === 0 ? this.#received : bytes);
    while (bodies.amount > bodies.limit) bodies.largest()!.holder.abandon();
  }

  /**
   * The body is complete: runs the call. Never throws.
   *
   * @param answer called once; without an answer when the platform's own code has given one
   */
  respond(platform: HttpPlatform, answer: (response: HttpResponse | undefined) => void): void {
    let call: RpcCall | undefined;
    try {
      // The body may have taken its time, and the application what the call needs.
      if (this.host.closing) throw shuttingDown();
      call = this.#call(platform);
    } catch (error) {
      answer(error instanceof HttpError ? this.refuse(error) : this.#settle(outcomeOf(error), call));
      return;
    }
    this.host.dispatcher.dispatch(call, (outcome) => answer(this.#settle(outcome, call)));
  }

  #call(platform: HttpPlatform): RpcCall {
    const { target, head } = this.opened;
    this.activity.identifyBy(platform.request as object | undefined);
    const args = this.#arguments();
    // Without a target the body ends in the error that the look-up gave.
    if (!target!.policy.allowTokenMismatch) this.#inflateTokens(args);
    return {
      target: target!,
      arguments: args,
      activity: this.activity,
      transport: {
        kind: 'http',
        path: head.target,
        method: head.method,
        protocolVersion: this.#protocolVersion,
        request: platform.request,
        response: platform.response,
        isRefused: false,
        commonHeaders: () => this.#commonHeaders(),
      },
    };
  }

  #arguments(): unknown[] {
    try {
      return this.opened.body.end();
    } finally {
      this.abandon();
    }
  }

  #settle(outcome: RpcOutcome, call?: RpcCall): HttpResponse | undefined {
    this.activity.answered();
    if (outcome.kind === 'answered') return undefined;
    try {
      const encoded = encodeOutcome(outcome, this.#protocolVersion, this.activity, this.host.options);
      this.#report(outcome, encoded);
      return this.#response(outcome, encoded, call);
    } catch (error) {
      // A function of the application's options has failed; what it was asked about is not to be lost with it.
      if (outcome.kind === 'error') this.#reportError(outcome.error, hiddenError(this.activity.activityId));
      this.#reportError(error, hiddenError(this.activity.activityId));
      return this.host.refuse(error, this.opened.origin);
    }
  }

  #inflateTokens(args: unknown[]): void {
    const { head, route } = this.opened;
    if (!inflateTokens(args, route.token, head.target)) return;
    const message = 'IModelRpcProps mismatch detected for this request.';
    if (this.host.options.throwOnTokenMismatch) throw new IModelError(GENERAL_ERROR, message);
    this.#warn(message);
  }

  #commonHeaders(): string[] {
    const headers = ['X-Protocol-Version', '2', 'Vary', VARY, ...this.host.corsHeaders(this.opened.origin)];
    return this.host.finish({ status: 200, headers, body: '' }).headers;
  }

  #response(outcome: RpcOutcome, encoded: EncodedOutcome, call: RpcCall | undefined): HttpResponse {
    const { host } = this;
    const { head, route, target, origin } = this.opened;
    const { body, contentType } = encoded;
    const readable = host.options.errorStatus === 'readable' && head.headers[CLIENT_HEADER] === undefined;
    const status =
      outcome.kind === 'error' && readable ? readableStatus(encoded.status, outcome.error) : encoded.status;
    const headers = ['X-Protocol-Version', '2', 'Vary', VARY];
    if (contentType !== undefined) headers.push('Content-Type', contentType);
    if (origin !== undefined) headers.push(...host.corsHeaders(origin));
    const retryAfter = String(encoded.retryAfter ?? '');
    // A value that a header cannot carry would break the connection.
    if (/^[\x20-\x7e]+$/.test(retryAfter)) headers.push('Retry-After', retryAfter);
    if (outcome.kind === 'error' && isUnbegun(status, outcome.error, call))
      headers.push(NOT_BEGUN_HEADER, '1');
    if (route.parameters !== '' && status === 200 && target?.policy.allowResponseCaching) {
      const authorized = this.activity.accessToken !== '' || head.headers['cookie'] !== undefined;
      headers.push(
        'Cache-Control',
        cacheControl(target.operation, typeof body === 'string' ? body.length : 0, authorized),
      );
    }
    const compressible =
      sizeOf(body) >= SMALLEST_COMPRESSED && target?.policy.allowResponseCompression !== false;
    const encoding = compressible ? chooseEncoding(headerOf(head, 'accept-encoding')) : undefined;
    return host.finish({ status, headers, body, encoding });
  }

  #report(outcome: RpcOutcome, { error, thrown }: EncodedOutcome): void {
    // A result that cannot be sent is a fault of the server, however well its error tells so.
    const failed = outcome.kind === 'error' || outcome.kind === 'noContent';
    if (error) this.#reportError(thrown, failed ? error : { ...error, internal: true });
    else if (this.host.options.developmentMode && outcome.kind === 'result')
      for (const loss of describeLosses(outcome.value)) this.#warn(`The caller will not see it: ${loss}.`);
  }

  #reportError(thrown: unknown, error: WireError): void {
    this.host.options.report?.({ kind: 'error', thrown, error, activity: this.activity });
  }

  #warn(message: string): void {
    this.host.options.report?.({ kind: 'warning', message, activity: this.activity });
  }
}
