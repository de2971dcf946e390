import { ServerError } from '../call/backend.error.js';
import type { RpcClientOptions } from '../rpc/rpc.client.options.js';
import type { RpcClientTransport, RpcReply, RpcRequest } from '../rpc/rpc.exchange.js';
import { isBytes } from '../wire/bytes.js';
import { encodeMultipart } from '../wire/multipart.codec.js';
import { encodeValue } from '../wire/value.codec.js';
import { defaultWireLimits } from '../wire/wire.limits.js';
import { sendByFetch } from './fetch.transport.js';
import { CLIENT_HEADER, LONGEST_TIMEOUT_MS, TIMEOUT_HEADER } from './http.headers.js';
import { readReply } from './http.reply.js';
import type { HttpReply, HttpRequest, HttpSend } from './http.send.js';

/** Longer calls are posted (WIRE 2.4). */
const LONGEST_GET = 8192;

/** Calls of RPC as requests of HTTP (WIRE 2.1, 2.4, 2.5). */
export class HttpTransport implements RpcClientTransport {
  readonly #prefix: string;
  readonly #ownHeaders: boolean;
  readonly #send: HttpSend;

  /** @throws Error where it is left open which server is meant */
  constructor(
    private readonly options: Pick<
      RpcClientOptions,
      'uriPrefix' | 'info' | 'ownHeaders' | 'send' | 'maxResponseBytes' | 'scheme'
    >,
    send: HttpSend | undefined = options.send,
  ) {
    const origin = pageOrigin();
    const prefix = options.uriPrefix ?? origin ?? '';
    if (!send && origin === undefined && !URL.canParse(prefix))
      throw new Error(`An RPC client outside of a page needs a uriPrefix with its origin, not "${prefix}".`);
    this.#send = send ?? sendByFetch;
    this.#prefix = prefix.replace(/\/+$/, '');
    // Another origin's server has to allow each header that a page sends, and knows nothing of ours.
    this.#ownHeaders =
      options.ownHeaders ?? (origin === undefined || new URL(prefix, origin).origin === origin);
  }

  /** Sends one request. See {@link RpcClientTransport.exchange}. */
  async exchange(request: RpcRequest): Promise<RpcReply> {
    const content = encodeArguments(request);
    const url = this.#url(request);
    const maxBytes = this.options.maxResponseBytes ?? defaultWireLimits.multipartBytes;
    const message: HttpRequest = {
      method: content.query === undefined ? 'POST' : 'GET',
      url: url + (content.query ?? ''),
      headers: this.#headers(request, content.type),
      body: content.body,
      signal: request.signal,
      maxBytes,
    };
    let reply: HttpReply;
    try {
      reply = await this.#send(message);
    } catch (error) {
      request.signal.throwIfAborted();
      throw failureOf(message, error as Error);
    }
    const { body } = reply;
    if (!(body.length <= maxBytes))
      throw new ServerError(reply.status, `The answer has more than ${maxBytes} bytes: maxResponseBytes.`);
    const { scheme } = this.options;
    const notServed = () =>
      // Without its origin: where the server is, is nothing for the callers of who calls it.
      `${request.definition.interfaceName} is not served at ${url.replace(/^[^/]*\/\/[^/]*/, '')}`;
    if (!scheme) return readReply(reply, notServed);
    const status = scheme.wireStatus(reply.status);
    return readReply({ status, header: (name) => reply.header(scheme.ownHeader(name)), body }, notServed);
  }

  #url({ token, definition, operation }: RpcRequest): string {
    const { info, scheme } = this.options;
    if (scheme?.paths) {
      const { interfaceName, interfaceVersion } = definition;
      return (
        this.#prefix + scheme.paths.write({ interfaceName, version: interfaceVersion, operation, token })
      );
    }
    const { title = 'linnet', version = 'v1.0' } = info ?? {};
    const segment = `${definition.interfaceName}-${definition.interfaceVersion}-${operation}`;
    const base = `${this.#prefix}/${title}/${version}`;
    if (!token) return `${base}/${segment}`;
    const { iTwinId = '', iModelId = '', changeset } = token;
    const context = `context/${encodeURIComponent(iTwinId)}/imodel/${encodeURIComponent(iModelId)}`;
    // As it is, by the wire; but what ends a path would make another request of it.
    const changesetId = (changeset?.id || '0').replace(/[/?#\\]/g, encodeURIComponent);
    return `${base}/mode/1/${context}/changeset/${changesetId}/${segment}`;
  }

  #headers(
    { activity, headers, timeoutMs }: RpcRequest,
    contentType: string | undefined,
  ): Record<string, string> {
    const all: Record<string, string> = {
      'X-Correlation-Id': activity.activityId,
      'X-Protocol-Version': '2',
      'X-Application-Id': activity.applicationId,
      'X-Application-Version': activity.applicationVersion,
      'X-Session-Id': activity.sessionId,
    };
    if (activity.accessToken !== '') all['Authorization'] = activity.accessToken;
    if (contentType !== undefined) all['Content-Type'] = contentType;
    if (this.#ownHeaders) {
      all[CLIENT_HEADER] = '1';
      if (timeoutMs !== undefined && timeoutMs <= LONGEST_TIMEOUT_MS)
        all[TIMEOUT_HEADER] = String(Math.ceil(timeoutMs));
    }
    // What the caller gives wins, however it is written.
    const { scheme } = this.options;
    const own = Object.entries(all).map(([name, value]) => [scheme?.ownHeader(name) ?? name, value] as const);
    const entries = [...own, ...Object.entries(headers)];
    return Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), value]));
  }
}

/** Tells a request that no platform would send from a server that is not there. */
function failureOf({ headers }: HttpRequest, { message }: Error): Error {
  try {
    void new Headers(headers);
  } catch (error) {
    return new TypeError(`The request cannot be sent: ${(error as Error).message}`);
  }
  return new ServerError(-1, `The server cannot be reached: ${message}`);
}

/** The origin of the page that this code runs in; `undefined` outside of one. */
function pageOrigin(): string | undefined {
  const { location } = globalThis as { location?: { origin?: string } };
  return location?.origin === 'null' ? undefined : location?.origin;
}

interface EncodedArguments {
  readonly type: string | undefined;
  readonly body: string | readonly Uint8Array[] | undefined;
  /** The arguments in the target of a GET. */
  readonly query?: string;
}

function encodeArguments({ arguments: args, policy, token }: RpcRequest): EncodedArguments {
  // Bytes alone are a body; with something behind them, which the iTwin.js client loses, they are a part.
  if (args.length === 1 && isBytes(args[0])) return { type: 'application/octet-stream', body: [args[0]] };
  const { objects, data } = encodeValue(args);
  if (data.length > 0) {
    const boundary = `linnet-${crypto.randomUUID()}`;
    return {
      type: `multipart/form-data; boundary=${boundary}`,
      body: encodeMultipart(objects, data, boundary),
    };
  }
  // Reference servers take a GET by its `/imodel/`, and base64 of characters up to U+00FF.
  if (policy.allowResponseCaching && token && /^[\0-\xff]*$/.test(objects)) {
    const parameters = btoa(objects);
    if (parameters.length <= LONGEST_GET)
      return { type: undefined, body: undefined, query: `?parameters=${encodeURIComponent(parameters)}` };
  }
  return { type: 'text/plain', body: objects };
}
