import type { RpcCall, RpcOperationTarget, SettledOutcome } from '../../rpc/server/call.js';
import type { HttpBody } from '../protocol/arguments.reader.js';
import { cacheControl, chooseEncoding } from '../protocol/cache.policy.js';
import { CLIENT_HEADER, NOT_BEGUN_HEADER } from '../protocol/headers.js';
import { headerOf, sizeOf } from '../protocol/message.js';
import type { HttpRequestHead, HttpResponse } from '../protocol/message.js';
import { TEXT } from '../protocol/reply.writer.js';
import type { EncodedOutcome } from '../protocol/reply.writer.js';
import { isNotBegun, readableStatus } from '../protocol/status.js';
import type { StreamWriter } from '../protocol/stream.writer.js';
import type { HttpRoute } from '../protocol/url.reader.js';
import type { HttpServerContext } from './server.context.js';
import type { StreamAnswer } from './stream.answer.js';

/** The part of a request that its head determines. */
export interface OpenedRequest {
  readonly head: HttpRequestHead;
  readonly route: HttpRoute;
  /** The called operation; `undefined` if it does not exist. */
  readonly target: RpcOperationTarget | undefined;
  /** Reads the body as arguments. */
  body: HttpBody;
  readonly activityId: string;
  /** The origin of the calling page; `undefined` if the caller is not a page. */
  readonly origin: string | undefined;
}

const VARY = 'Accept-Encoding, Authorization, X-Protocol-Version, Origin';
/** Smaller answers are not compressed, because that costs more time than it saves. */
const MIN_COMPRESSED_BYTES = 1024;

/** The headers of every answer to a request, as alternating names and values. */
export function commonHeaders(context: HttpServerContext, { origin }: OpenedRequest): string[] {
  const headers = ['X-Protocol-Version', '2', 'Vary', VARY, ...context.corsHeaders(origin)];
  return context.finish({ status: 200, headers, body: '' }).headers;
}

/** The answer of a call that is over. */
export function settledResponse(
  context: HttpServerContext,
  { head, route, target, origin }: OpenedRequest,
  outcome: SettledOutcome,
  encoded: EncodedOutcome,
  call: RpcCall | undefined,
): HttpResponse {
  const { body, contentType } = encoded;
  const readable = context.options.errorStatus === 'readable' && head.headers[CLIENT_HEADER] === undefined;
  const status =
    outcome.kind === 'error' && readable ? readableStatus(encoded.status, outcome.error) : encoded.status;
  const headers = ['X-Protocol-Version', '2', 'Vary', VARY];
  if (contentType !== undefined)
    headers.push('Content-Type', isJson(context, head, outcome, encoded) ? JSON_TYPE : contentType);
  if (origin !== undefined) headers.push(...context.corsHeaders(origin));
  const retryAfter = String(encoded.retryAfter ?? '');
  // An invalid header value would break the connection.
  if (/^[\x20-\x7e]+$/.test(retryAfter)) headers.push('Retry-After', retryAfter);
  if (outcome.kind === 'error' && isNotBegun(status, outcome.error, call))
    headers.push(NOT_BEGUN_HEADER, '1');
  if (route.parameters !== '' && status === 200 && target?.policy.allowResponseCaching) {
    const authorized = headerOf(head, 'authorization') !== '' || head.headers['cookie'] !== undefined;
    headers.push(
      'Cache-Control',
      cacheControl(target.operation, typeof body === 'string' ? body.length : 0, authorized),
    );
  }
  const compressible =
    sizeOf(body) >= MIN_COMPRESSED_BYTES && target?.policy.allowResponseCompression !== false;
  const encoding = compressible ? chooseEncoding(headerOf(head, 'accept-encoding')) : undefined;
  return context.finish({ status, headers, body, encoding });
}

const JSON_TYPE = 'application/json; charset=utf-8';

/** Whether the client calls with JSON by its name or asks for it, and the answer is JSON. */
function isJson(
  { options }: HttpServerContext,
  head: HttpRequestHead,
  { kind }: SettledOutcome,
  { body, contentType }: EncodedOutcome,
): boolean {
  if (!options.json || contentType !== TEXT || body === '') return false;
  if (kind !== 'result' && kind !== 'error') return false;
  return ['content-type', 'accept'].some((name) => headerOf(head, name).includes('application/json'));
}

/** The answer of a call whose result is a stream. */
export function streamResponse(
  context: HttpServerContext,
  { head, target, origin }: OpenedRequest,
  stream: StreamAnswer,
  { contentType }: StreamWriter,
  isBytes: boolean,
): HttpResponse {
  const headers = ['X-Protocol-Version', '2', 'Vary', VARY, 'Content-Type', contentType];
  // A proxy must not collect the items (nginx), and no cache keeps them.
  headers.push('X-Accel-Buffering', 'no', 'Cache-Control', 'no-store', ...context.corsHeaders(origin));
  const whole = stream.whole();
  const isLarge = !whole || sizeOf(whole) >= MIN_COMPRESSED_BYTES;
  const compressible = !isBytes && isLarge && target?.policy.allowResponseCompression !== false;
  const encoding = compressible ? chooseEncoding(headerOf(head, 'accept-encoding')) : undefined;
  return context.finish({
    status: 200,
    headers,
    encoding,
    ...(whole ? { body: whole } : { body: '', stream }),
  });
}
