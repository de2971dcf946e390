import { rebuildError, ServerError } from '../call/backend.error.js';
import type { RpcClientOptions } from '../rpc/rpc.client.options.js';
import type { RpcClientTransport, RpcReply, RpcRequest } from '../rpc/rpc.exchange.js';
import { isBytes } from '../wire/bytes.js';
import { encodeMultipart } from '../wire/multipart.codec.js';
import { encodeValue } from '../wire/value.codec.js';
import { sendByFetch } from './fetch.transport.js';
import { decodeContent } from './http.content.js';
import type { HttpReply, HttpSend } from './http.send.js';
import { CLIENT_HEADER, TIMEOUT_HEADER } from './http.headers.js';

/** Statuses that ask to come back later. */
const transientStatuses = new Set([408, 429, 502, 503, 504]);
/** Longer calls are posted (WIRE 2.4). */
const LONGEST_GET = 8192;
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Calls of RPC as requests of HTTP (WIRE 2.1, 2.4, 2.5). */
export class HttpTransport implements RpcClientTransport {
  readonly #prefix: string;
  readonly #ownHeaders: boolean;

  constructor(
    private readonly options: Pick<RpcClientOptions, 'uriPrefix' | 'info' | 'ownHeaders'>,
    private readonly send: HttpSend = sendByFetch,
  ) {
    const origin = pageOrigin();
    const prefix = options.uriPrefix ?? origin ?? '';
    this.#prefix = prefix.replace(/\/+$/, '');
    // Another origin's server has to allow each header that a page sends, and knows nothing of ours.
    this.#ownHeaders =
      options.ownHeaders ?? (origin === undefined || new URL(prefix, origin).origin === origin);
  }

  async exchange(request: RpcRequest): Promise<RpcReply> {
    const { signal } = request;
    const content = encodeArguments(request);
    let reply: HttpReply;
    try {
      reply = await this.send({
        method: content.query === undefined ? 'POST' : 'GET',
        url: this.#url(request) + (content.query ?? ''),
        headers: this.#headers(request, content.type),
        body: content.body,
        signal,
      });
    } catch (error) {
      signal.throwIfAborted();
      throw new ServerError(-1, `The server cannot be reached: ${(error as Error).message}`);
    }
    return readReply(reply);
  }

  #url({ token, definition, operation }: RpcRequest): string {
    const { title = 'linnet', version = 'v1.0' } = this.options.info ?? {};
    const segment = `${definition.interfaceName}-${definition.interfaceVersion}-${operation}`;
    const base = `${this.#prefix}/${title}/${version}`;
    if (!token) return `${base}/${segment}`;
    const { iTwinId = '', iModelId = '', changeset } = token;
    const context = `context/${encodeURIComponent(iTwinId)}/imodel/${encodeURIComponent(iModelId)}`;
    return `${base}/mode/1/${context}/changeset/${changeset?.id || '0'}/${segment}`;
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
      if (timeoutMs !== undefined) all[TIMEOUT_HEADER] = String(Math.ceil(timeoutMs));
    }
    return { ...all, ...headers };
  }
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

interface Envelope {
  readonly managedStatus: 'pending' | 'notFound';
  readonly responseValue: string;
}

function readReply(reply: HttpReply): RpcReply {
  const { status } = reply;
  const protocol = parseInt(reply.header('x-protocol-version') ?? '', 10) || 0;
  if (status === 200)
    return { kind: 'result', value: decodeContent(reply.body, reply.header('content-type')) };
  const body = decoder.decode(reply.body);
  const retryAfterMs = readRetryAfter(reply.header('retry-after'));
  const envelope = protocol < 2 ? undefined : readEnvelope(body);
  if (status === 202 && (protocol < 2 || envelope))
    return { kind: 'pending', message: envelope?.responseValue ?? body, retryAfterMs };
  if (status === 404 && (envelope || (protocol > 0 && protocol < 2)))
    return { kind: 'notFound', response: readJson(envelope?.responseValue ?? body) ?? {} };
  if (status === 204) return { kind: 'error', error: rebuildError(noContent) };
  const value = readJson(body);
  const isError = typeof value === 'object' && value !== null && 'message' in value;
  const error = isError
    ? Object.assign(rebuildError(value), { status })
    : new ServerError(status, `The server answered ${status} without saying why.`);
  // An error with a number is an answer, whatever its status.
  const isFinal = isError && typeof (value as { errorNumber?: unknown }).errorNumber === 'number';
  if (transientStatuses.has(status) && !isFinal) return { kind: 'transient', error, retryAfterMs };
  return { kind: 'error', error };
}

const noContent = { errorNumber: 65604, name: 'Error (65604)', message: 'No Content' };

function readEnvelope(body: string): Envelope | undefined {
  if (!body.includes('iTwinRpcCoreResponse')) return undefined;
  const value = readJson(body) as Partial<Envelope> | undefined;
  return value && typeof value.responseValue === 'string' ? (value as Envelope) : undefined;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Seconds, fractions allowed, or a date. */
function readRetryAfter(value: string | null): number | undefined {
  if (value === null || value.trim() === '') return undefined;
  const milliseconds = Number.isNaN(Number(value)) ? Date.parse(value) - Date.now() : Number(value) * 1000;
  return Number.isNaN(milliseconds) ? undefined : Math.max(0, milliseconds);
}
