import { newId } from '../../base/random.id.js';
import { throwIfAborted } from '../../base/abort.js';
import { ServerError } from '../../error/backend.error.js';
import { isStreamType, STREAM_TYPE } from '../protocol/stream.frames.js';
import type { RpcClientOptions } from './client.options.js';
import type { RpcClientTransport, RpcReply, RpcRequest } from '../../rpc/client/transport.js';
import { isBytes } from '../../bytes/bytes.js';
import { encodeMultipart } from '../../value/multipart.codec.js';
import { encodeValue } from '../../value/value.codec.js';
import { ANSWER_TEXT_BYTES, MULTIPART_BYTES } from '../../base/limits.js';
import { withoutAnswer } from './failure.reason.js';
import { sendByFetch } from './fetch.send.js';
import {
  CLIENT_HEADER,
  MAX_TIMEOUT_MS,
  PROGRESS_HEADER,
  TIMEOUT_HEADER,
  TRACE_HEADERS,
} from '../protocol/headers.js';
import { readReply } from './reply.reader.js';
import { checkPrefix, pageOrigin } from './server.prefix.js';
import { isStreamSource } from '../../stream/stream.source.js';
import type { Uploads } from './stream.upload.js';
import type { EncodedArguments, HttpReply, HttpRequest, HttpSend } from './send.js';

/** The client sends longer calls by POST (docs/wire.md#24-get). */
const MAX_GET_LENGTH = 8192;

/** Sends RPC calls as HTTP requests (docs/wire.md#21-request, docs/wire.md#24-get, docs/wire.md#25-response). */
export class HttpTransport implements RpcClientTransport {
  readonly #prefix: string;
  readonly #ownHeaders: boolean;
  readonly #send: HttpSend;
  /** Made for the first call with a stream among its arguments, so that a page without streams does not load it. */
  #uploads: Uploads | undefined;
  /** Whether a stream can be sent while it is made; `undefined` outside of a page. */
  readonly #isSecurePage: boolean | undefined;

  /** @throws Error if the options do not name a server */
  constructor(
    private readonly options: Pick<
      RpcClientOptions,
      | 'uriPrefix'
      | 'info'
      | 'ownHeaders'
      | 'send'
      | 'credentials'
      | 'maxResponseBytes'
      | 'maxResponseText'
      | 'naming'
    >,
    send: HttpSend | undefined = options.send,
  ) {
    const origin = pageOrigin();
    const prefix = options.uriPrefix ?? origin ?? '';
    if (!send) checkPrefix(prefix, origin);
    this.#send = send ?? sendByFetch;
    // Browsers send streams only over HTTP/2, which needs https.
    const isPage = this.#send === sendByFetch && origin !== undefined;
    this.#isSecurePage = isPage ? new URL(prefix, origin).protocol === 'https:' : undefined;
    this.#prefix = prefix.replace(/\/+$/, '');
    // The server of another origin must allow each header of a page, and may not know these headers.
    this.#ownHeaders =
      options.ownHeaders ?? (origin === undefined || new URL(prefix, origin).origin === origin);
  }

  /** The URL prefix of the backend, without a slash at its end. */
  get address(): string {
    return this.#prefix;
  }

  /** Sends one request. See {@link RpcClientTransport.exchange}. */
  async exchange(request: RpcRequest): Promise<RpcReply> {
    const url = this.#url(request);
    if (!request.arguments.some(isStreamSource))
      return this.#exchange(request, url, encodeArguments(request));
    const { Uploads, sendsStreams } = await import('./stream.upload.js');
    const isSecure = this.#isSecurePage;
    this.#uploads ??= new Uploads(isSecure !== undefined, () => isSecure === true && sendsStreams());
    return this.#uploads.exchange(request, (content) => this.#exchange(request, url, content));
  }

  async #exchange(request: RpcRequest, url: string, content: EncodedArguments): Promise<RpcReply> {
    const { maxResponseBytes: maxBytes = MULTIPART_BYTES } = this.options;
    const { maxResponseText = ANSWER_TEXT_BYTES, naming } = this.options;
    const message: HttpRequest = {
      method: content.query === undefined ? 'POST' : 'GET',
      url: url + (content.query ?? ''),
      headers: this.#headers(request, content.type),
      body: content.body,
      credentials: this.options.credentials,
      signal: request.signal,
      maxBytes,
      ...((request.policy.stream || request.onProgress) && { stream: true }),
    };
    let reply: HttpReply;
    try {
      reply = await this.#send(message);
    } catch (error) {
      throwIfAborted(request.signal);
      return failureOf(message, error as Error);
    }
    const header = (name: string) => reply.header(naming?.ownHeader(name) ?? name);
    const status = naming?.wireStatus(reply.status) ?? reply.status;
    if (message.stream && status === 200 && isStreamType(header('content-type'))) {
      const { streamReply } = await import('./stream.reply.js');
      return streamReply(reply, request, this.options);
    }
    const { body } = reply;
    if (!(body.length <= maxBytes))
      throw new ServerError(reply.status, `The answer has more than ${maxBytes} bytes: maxResponseBytes.`);
    const notServed = () =>
      // Without its origin, because callers further up must not learn the address of this server.
      `${request.definition.interfaceName} is not served at ${url.replace(/^[^/]*\/\/[^/]*/, '')}`;
    return readReply({ status, header, body }, maxResponseText, notServed);
  }

  #url({ token, definition, operation }: RpcRequest): string {
    const { info, naming } = this.options;
    if (naming?.paths) {
      const { interfaceName, interfaceVersion } = definition;
      return (
        this.#prefix + naming.paths.write({ interfaceName, version: interfaceVersion, operation, token })
      );
    }
    const { title = 'linnet', version = 'v1.0' } = info ?? {};
    const segment = `${definition.interfaceName}-${definition.interfaceVersion}-${operation}`;
    const base = `${this.#prefix}/${title}/${version}`;
    if (!token) return `${base}/${segment}`;
    const { iTwinId = '', iModelId = '', changeset } = token;
    const context = `context/${encodeURIComponent(iTwinId)}/imodel/${encodeURIComponent(iModelId)}`;
    // Not encoded, as on the wire, except for characters that would end the path segment.
    const changesetId = (changeset?.id || '0').replace(/[/?#\\]/g, encodeURIComponent);
    return `${base}/mode/1/${context}/changeset/${changesetId}/${segment}`;
  }

  #headers(
    { activity, headers, timeoutMs, policy, lastEventId, onProgress }: RpcRequest,
    contentType: string | undefined,
  ): Record<string, string> {
    const { naming } = this.options;
    const own: Record<string, string | undefined> = {
      'X-Correlation-Id': activity.activityId,
      'X-Protocol-Version': '2',
      'X-Application-Id': activity.applicationId,
      'X-Application-Version': activity.applicationVersion,
      'X-Session-Id': activity.sessionId,
      Authorization: activity.accessToken || undefined,
      'Content-Type': contentType,
      Accept: policy.stream ? STREAM_TYPE : undefined,
      'Last-Event-ID': lastEventId === undefined ? undefined : String(lastEventId),
    };
    if (this.#ownHeaders) {
      own[CLIENT_HEADER] = '1';
      if (onProgress) {
        own[PROGRESS_HEADER] = '1';
        own['Accept'] ??= `${STREAM_TYPE}, */*`;
      }
      if (activity.trace) TRACE_HEADERS.forEach((name, i) => (own[name] = activity.trace![i] || undefined));
      if (timeoutMs !== undefined && timeoutMs <= MAX_TIMEOUT_MS)
        own[TIMEOUT_HEADER] = String(Math.ceil(timeoutMs));
    }
    const all: Record<string, string> = {};
    for (const [name, value] of Object.entries(own))
      if (value !== undefined) all[(naming?.ownHeader(name) ?? name).toLowerCase()] = value;
    // Headers of the caller replace ours, in upper or lower case.
    for (const [name, value] of Object.entries(headers)) all[name.toLowerCase()] = value;
    return all;
  }
}

/**
 * The reply for a request without an answer.
 *
 * @throws TypeError if no platform would send the request, ServerError if the server redirects it
 */
function failureOf({ headers }: HttpRequest, failure: Error): RpcReply {
  if (failure instanceof ServerError) throw failure;
  try {
    void new Headers(headers);
  } catch (error) {
    throw new TypeError(`The request cannot be sent: ${(error as Error).message}`, { cause: error });
  }
  const error = withoutAnswer('The server cannot be reached', failure);
  return { kind: 'transient', error, retryAfterMs: undefined, notBegun: isRefused(failure) };
}

/** Whether a connection was refused, so that the request was never sent. Node and Bun report it; browsers do not. */
function isRefused({ code, cause }: Error & { code?: unknown }): boolean {
  const reason = code ?? (cause as { code?: unknown } | undefined)?.code;
  return reason === 'ECONNREFUSED' || reason === 'ConnectionRefused';
}

function encodeArguments({ arguments: args, policy, token }: RpcRequest): EncodedArguments {
  // A single byte array is the body. With further arguments, which the iTwin.js client loses, it is a part.
  if (args.length === 1 && isBytes(args[0])) return { type: 'application/octet-stream', body: [args[0]] };
  const { objects, data } = encodeValue(args);
  if (data.length > 0) {
    const boundary = `linnet-${newId()}`;
    return {
      type: `multipart/form-data; boundary=${boundary}`,
      body: encodeMultipart(objects, data, boundary),
    };
  }
  // Reference servers accept GET only with `/imodel/` in the path, and base64 only of characters up to U+00FF.
  if (policy.allowResponseCaching && token && /^[\0-\xff]*$/.test(objects)) {
    const parameters = btoa(objects);
    if (parameters.length <= MAX_GET_LENGTH)
      return { type: undefined, body: undefined, query: `?parameters=${encodeURIComponent(parameters)}` };
  }
  return { type: 'text/plain', body: objects };
}
