import { ByteBudget } from '../../bytes/byte.budget.js';
import { observer } from '../../base/observer.js';
import type { RpcDispatcher } from '../../rpc/server/dispatcher.js';
import { TRACE_HEADERS } from '../protocol/headers.js';
import { HttpError, refusal } from '../protocol/message.js';
import type { HttpResponse } from '../protocol/message.js';
import type { WireNaming } from '../protocol/wire.naming.js';
import type { BodyHolder } from './held.bytes.js';
import type { HttpHandlerOptions } from './options.js';
import { UnsentAnswers } from './unsent.answers.js';

// Headers that the reference allows pages to send, the default name of its CSRF header, and the headers of our client.
const requestHeaders =
  'Content-Type, Access-Control-Allow-Headers, Authorization, X-Requested-With, X-Correlation-Id, X-Session-Id, ' +
  'X-Application-Id, X-Application-Version, X-User-Id, X-Protocol-Version, X-XSRF-TOKEN, ' +
  'X-Linnet-Client, X-Linnet-Timeout, X-Linnet-Progress, Last-Event-ID';

/** Headers whose value is a list of header names. */
const listsOfHeaders = new Set(['Vary', 'Access-Control-Allow-Headers', 'Access-Control-Expose-Headers']);

/** The state that a handler shares with its calls, and the headers that every response has. */
export class HttpServerContext {
  /** Bytes of request bodies that have not ended. */
  readonly bodies: ByteBudget<BodyHolder>;
  /** Bytes of answers that clients have not read. */
  readonly unsent: UnsentAnswers;
  /** Whether new calls are refused with 503, because the server is closing. */
  closing = false;
  readonly #allowHeaders: string;

  constructor(
    readonly dispatcher: RpcDispatcher,
    readonly options: HttpHandlerOptions,
  ) {
    this.bodies = new ByteBudget(options.limits.heldBytes);
    this.unsent = new UnsentAnswers(options.limits.unsentBytes, options.report);
    this.#allowHeaders = [requestHeaders, ...(options.allowedHeaders ?? [])].join(', ');
  }

  /** Returns the response to a request that did not become a call. */
  refuse(error: unknown, origin: string | undefined): HttpResponse {
    observer?.refused?.(error instanceof HttpError ? `http ${error.status}` : 'http 500');
    // Any other error is a fault of the server, and its text stays on the server.
    const response = refusal(error instanceof HttpError ? error : new HttpError(500, 'Internal error'));
    response.headers.push(...this.corsHeaders(origin));
    return this.finish(response);
  }

  /** Returns the response as it is sent: with the names and the status of the wire naming, if there is one. */
  finish(response: HttpResponse): HttpResponse {
    const { naming } = this.options;
    return naming ? renamed(response, naming) : response;
  }

  /** Returns headers that let a page read the response and its status headers. */
  corsHeaders(origin: string | undefined): string[] {
    if (origin === undefined) return [];
    return [
      'Access-Control-Allow-Origin',
      origin,
      'Access-Control-Allow-Methods',
      'POST, GET, OPTIONS',
      'Access-Control-Allow-Headers',
      observer?.followsTraces ? [this.#allowHeaders, ...TRACE_HEADERS].join(', ') : this.#allowHeaders,
      'Access-Control-Expose-Headers',
      'X-Protocol-Version, Retry-After, X-Linnet-Not-Begun',
    ];
  }
}

function renamed({ status, headers, ...rest }: HttpResponse, naming: WireNaming): HttpResponse {
  const own = headers.map((text, i) => {
    if (i % 2 === 0) return naming.ownHeader(text);
    if (!listsOfHeaders.has(headers[i - 1]!)) return text;
    return text
      .split(', ')
      .map((name) => naming.ownHeader(name))
      .join(', ');
  });
  return { ...rest, status: naming.ownStatus(status), headers: own };
}
