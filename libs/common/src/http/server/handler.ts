import type { RpcOperationTarget } from '../../rpc/server/call.js';
import type { RpcOperationPolicy } from '../../rpc/definition/definition.js';
import { CONTROL_VERSION } from '../../rpc/definition/endpoint.js';
import type { RpcDispatcher } from '../../rpc/server/dispatcher.js';
import { utf8 } from '../../bytes/bytes.js';
import { newId } from '../../base/random.id.js';
import { hiddenError } from '../../error/error.members.js';
import { bodyFor, decodeArguments, FixedBody } from '../protocol/arguments.reader.js';
import type { DecodeText, HttpBody } from '../protocol/arguments.reader.js';
import { HttpCall } from '../call/http.call.js';
import { HttpServerContext } from '../call/server.context.js';
import { badRequest, HttpError, headerOf, shuttingDown, tooLarge } from '../protocol/message.js';
import type { HttpRequestHead, HttpResponse } from '../protocol/message.js';
import type { HttpHandlerOptions } from '../call/options.js';
import { OriginPolicy } from '../call/origin.policy.js';
import type { UnsentAnswers } from '../call/unsent.answers.js';
import { announcesStream, chooseFormat, isStreamType } from '../protocol/stream.frames.js';
import {
  checkRoutedPath,
  decodeParameters,
  isRpcPath,
  isUnder,
  parseRoute,
  pathOf,
} from '../protocol/url.reader.js';
import type { HttpRoute } from '../protocol/url.reader.js';

/** The number of cached targets and the longest one, in characters. A full cache is emptied. */
const REMEMBERED_TARGETS = 1000;
const MAX_CACHED_LENGTH = 512;

/** A target whose operation is served. */
interface KnownRoute {
  readonly route: HttpRoute;
  readonly target: RpcOperationTarget;
}

/** Serves RPC over HTTP on any platform: checks the head of each request and creates its call. */
export class HttpRpcHandler {
  readonly #context: HttpServerContext;
  readonly #origins: OriginPolicy;
  readonly #decodeText: DecodeText;
  /** Cached targets without arguments, because clients use few different targets. */
  readonly #known = new Map<string, KnownRoute>();
  /** The revision of the dispatcher when the targets were cached. */
  #revision = 0;
  /** Whether this handler sets CORS headers. An application with its own CORS disables it. */
  cors = true;
  constructor(
    /** Finds and runs operations. */
    readonly dispatcher: RpcDispatcher,
    /** The given options. */
    readonly options: HttpHandlerOptions,
  ) {
    this.#origins = new OriginPolicy(options);
    this.#context = new HttpServerContext(dispatcher, options);
    this.#decodeText = options.decodeText ?? ((bytes) => utf8.decode(bytes));
  }

  /** Whether new calls are refused with 503, because the server is closing. */
  get closing(): boolean {
    return this.#context.closing;
  }

  set closing(closing: boolean) {
    this.#context.closing = closing;
  }

  /** @internal Bytes of answers that clients have not read. */
  get unsent(): UnsentAnswers {
    return this.#context.unsent;
  }

  /** Whether the raw path of a request belongs to RPC. Other requests belong to the application. */
  owns(method: string, target: string): boolean {
    if (method === 'POST' && this.#knownRoute(target)) return true;
    const { catchAll, path: prefix = '' } = this.options;
    const path = pathOf(target);
    if (method === 'POST' || method === 'OPTIONS') {
      if (catchAll) return isUnder(path, prefix);
    } else if (method === 'GET' || method === 'HEAD') {
      if (catchAll) return isUnder(path, prefix) && path.includes('/imodel/');
    } else {
      return false;
    }
    return isRpcPath(path, prefix, (name) => this.dispatcher.serves(name));
  }

  /** Whether the `Host` of a request is allowed; see {@link OriginPolicy}. */
  trustsHost(head: HttpRequestHead): boolean {
    try {
      this.#origins.checkHost(head);
      return true;
    } catch {
      return false;
    }
  }

  /**
   * Checks the head of a request that belongs to RPC.
   *
   * @returns the call that receives the body, or an answer that does not need the body
   */
  open(head: HttpRequestHead): HttpCall | HttpResponse {
    let origin: string | undefined;
    try {
      this.#origins.checkHost(head);
      if (this.cors) origin = this.#origins.checkOrigin(head);
      if (head.method === 'OPTIONS')
        return this.#context.finish({
          status: 200,
          headers: this.#context.corsHeaders(origin),
          body: '',
        });
      if (this.closing) throw shuttingDown();
      return this.#makeCall(head, origin);
    } catch (error) {
      if (!(error instanceof HttpError))
        this.options.report?.({ kind: 'error', thrown: error, error: hiddenError(''), activity: undefined });
      return this.#context.refuse(error, origin);
    }
  }

  #makeCall(head: HttpRequestHead, origin: string | undefined): HttpCall {
    const known = this.#knownRoute(head.target);
    const route = known?.route ?? this.#route(head.target);
    let target = known?.target;
    let failure: unknown;
    if (!target) {
      try {
        target = this.dispatcher.lookup(route.interfaceName, route.version, route.operation);
        if (head.method === 'POST' && route.parameters === '') this.#remember(head.target, { route, target });
      } catch (error) {
        failure = error;
      }
    }
    const activityId = headerOf(head, 'x-correlation-id') || this.#newEventsId(head, target?.policy);
    if (activityId === '') throw new HttpError(400, 'Invalid request: Missing required activity ID.');
    if (head.method !== 'POST' && target && !this.#allowsGet(head.method, target.policy))
      throw new HttpError(405, `Invalid request: "${route.operation}" is called by POST.`, ['Allow', 'POST']);
    // The length of a compressed body does not limit its decompressed length.
    const announced = head.headers['content-encoding'] ? 0 : Number(head.headers['content-length'] ?? 0);
    const body = this.#body(head, route, target, failure);
    if (announced > body.limit && !announcesStream(headerOf(head, 'content-type')))
      throw tooLarge(body.limit);
    return new HttpCall(this.#context, { head, route, target, body, activityId, origin });
  }

  /** Returns the activity id of a client of server-sent events, which cannot set the header. Empty for any other client. */
  #newEventsId(head: HttpRequestHead, policy: RpcOperationPolicy | undefined): string {
    const isForEvents = policy?.stream && chooseFormat(headerOf(head, 'accept')) === 'events';
    return isForEvents && this.#isSentOnPurpose(head) ? newId() : '';
  }

  /**
   * Decides whether no page of another site made the browser send a request. The header with the activity id proves the
   * same, because a page needs permission to send it.
   */
  #isSentOnPurpose(head: HttpRequestHead): boolean {
    const { origin, 'sec-fetch-site': site } = head.headers;
    if (head.method === 'GET') {
      // Older browsers, and browsers on plain http, do not name the site.
      const isElsewhere = site === 'cross-site' || (site === undefined && origin !== undefined);
      // Checked again, because an application with its own CORS allows an `Origin` only behind the call.
      return !isElsewhere || (origin !== undefined && this.#origins.allows(head));
    }
    // A browser sends an `Origin` with every POST. Other clients send none.
    const isOwn = site === undefined || site === 'none' || site === 'same-origin';
    return head.method === 'POST' && origin === undefined && isOwn;
  }

  #allowsGet(
    method: string,
    { stream, resumable, idempotency, allowResponseCaching }: RpcOperationPolicy,
  ): boolean {
    // A page may follow a link, or a proxy fetch it ahead: the operation must allow that nobody reads its stream.
    if (stream) return method === 'GET' && (resumable || idempotency === 'safe');
    return this.options.anyGet === true || allowResponseCaching;
  }

  #route(target: string): HttpRoute {
    const { targetLength } = this.options.limits;
    if (target.length > targetLength)
      throw new HttpError(414, `Invalid request: the target is longer than ${targetLength} characters.`);
    // No client sends a fragment, and a proxy may or may not remove it.
    if (target.includes('#')) throw badRequest('The target has a fragment.');
    return this.parse(target);
  }

  /** @internal Reads a target. @throws HttpError if it does not name an operation */
  protected parse(target: string): HttpRoute {
    const route = parseRoute(target);
    // The control operation: base64 of names, with any characters and without a model.
    if (route.version !== CONTROL_VERSION) checkRoutedPath(pathOf(target));
    return route;
  }

  #knownRoute(target: string): KnownRoute | undefined {
    if (this.#revision !== this.dispatcher.revision) {
      this.#revision = this.dispatcher.revision;
      this.#known.clear();
    }
    return this.#known.get(target);
  }

  #remember(target: string, route: KnownRoute): void {
    if (target.length > MAX_CACHED_LENGTH || !this.owns('POST', target)) return;
    if (this.#known.size >= REMEMBERED_TARGETS) this.#known.clear();
    this.#known.set(target, route);
  }

  #body(
    head: HttpRequestHead,
    route: HttpRoute,
    target: RpcOperationTarget | undefined,
    failure: unknown,
  ): HttpBody {
    const { limits } = this.options;
    if (route.parameters !== '') {
      const objects = decodeParameters(route.parameters);
      return new FixedBody(limits.bodyBytes, () => {
        if (!target) throw failure;
        return decodeArguments(objects, [], limits);
      });
    }
    const contentType = headerOf(head, 'content-type');
    // The reference decompresses only text and octet-stream. Decompressed multipart bodies could be too large.
    const isStructured = contentType.startsWith('multipart/') || isStreamType(contentType);
    if (isStructured && head.headers['content-encoding'])
      throw new HttpError(415, 'Invalid request: a multipart body cannot be compressed.');
    // The operation does not exist: the body is read, so that the connection stays usable, but not kept.
    if (!target) {
      const limit = contentType.startsWith('multipart/') ? limits.multipartBytes : limits.bodyBytes;
      return new FixedBody(limit, () => {
        throw failure;
      });
    }
    if (contentType === '' && head.method !== 'POST')
      return new FixedBody(limits.bodyBytes, () =>
        target.policy.stream ? [] : decodeArguments('', [], limits),
      );
    return bodyFor(contentType, limits, this.#decodeText, this.options.json);
  }
}
