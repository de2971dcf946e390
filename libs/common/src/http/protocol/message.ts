import type { StreamItems } from '../../stream/stream.js';
import { NOT_BEGUN_HEADER } from './headers.js';

/** The part of a request before its body: enough to refuse the request. */
export interface HttpRequestHead {
  /** In capitals, as sent: `POST`. */
  readonly method: string;
  /** The request target as sent: raw path and query. */
  readonly target: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Whether the server was reached on a loopback address. */
  isLoopback(): boolean;
  /** The address of the peer, or of the last proxy; `undefined` if it is unknown. */
  readonly address?: string | undefined;
}

/** The client of a streamed answer, on a connection of its own. */
export interface AnswerClient {
  /** Closes the connection. */
  disconnect(): void;
}

/** Byte strings from this size on are not copied where {@link StreamBody.asksWhenSent} is set. */
export const UNCOPIED_BYTES = 64 * 1024;

/** A body that is made while it is sent. `return` stops the producer: nobody reads on. */
export interface StreamBody extends StreamItems<Uint8Array, undefined> {
  /** Set by a platform with connections, which end where a client does not read the body. */
  client?: AnswerClient | undefined;
  /** Set by a platform that asks for more only when a chunk of {@link UNCOPIED_BYTES} or more is sent: it may be memory of its producer. */
  asksWhenSent?: boolean;
}

/** A complete answer. */
export interface HttpResponse {
  /** The HTTP status. */
  readonly status: number;
  /** Alternating names and values, because a flat list costs a tenth of an object. Without `Content-Length`. */
  readonly headers: string[];
  /** Text is written as UTF-8; a list of byte strings one after the other. */
  readonly body: string | Uint8Array | readonly Uint8Array[];
  /** Replaces the body. The platform reads it to its end, or returns it. It sends each chunk at once. */
  readonly stream?: StreamBody | undefined;
  /** The encoding in which the platform should send the body, if it can. */
  readonly encoding?: 'br' | 'gzip' | undefined;
}

/** The value of a header; the first value if the header is repeated. */
export function headerOf(head: HttpRequestHead, name: string): string {
  const value = head.headers[name];
  return typeof value === 'string' ? value : (value?.[0] ?? '');
}

/** The error of a request that does not become a call. Unlike the error of a call, it has no protocol version. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly headers: readonly string[] = [],
  ) {
    super(message);
  }
}

/** "Invalid request", as the reference words it. */
export function badRequest(detail: string): HttpError {
  return new HttpError(400, `Invalid request: ${detail}`);
}

export function tooLarge(limit: number): HttpError {
  return new HttpError(413, `Invalid request: the body is larger than ${limit} bytes.`);
}

/**
 * The refusal of a server that is shutting down.
 *
 * @param begun whether the call may have had an effect already
 */
export function shuttingDown(begun = false): HttpError {
  return new HttpError(503, 'The server is shutting down.', busyHeaders(begun));
}

/**
 * The refusal for too many bytes in all request bodies.
 *
 * @param begun whether the call may have had an effect already
 */
export function noSpace(begun = false): HttpError {
  return new HttpError(503, 'The server has no space for the body of the request.', busyHeaders(begun));
}

function busyHeaders(begun: boolean): string[] {
  return ['Retry-After', '1', ...(begun ? [] : [NOT_BEGUN_HEADER, '1'])];
}

/** The response to a rejected request: `{"message","isError"}` (docs/wire.md#22-dispatch). */
export function refusal(error: HttpError): HttpResponse {
  return {
    status: error.status,
    headers: ['Content-Type', 'application/json; charset=utf-8', ...error.headers],
    body: JSON.stringify({ message: `Error: ${error.message}`, isError: true }),
  };
}

const encoder = new TextEncoder();

/** A body as byte strings, to be sent one after the other. */
export function partsOf(body: HttpResponse['body']): readonly Uint8Array[] {
  if (typeof body === 'string') return [encoder.encode(body)];
  return body instanceof Uint8Array ? [body] : body;
}

/** The length of a body: exact for bytes, an estimate for text. */
export function sizeOf(body: HttpResponse['body']): number {
  if (typeof body === 'string') return body.length;
  return body instanceof Uint8Array ? body.byteLength : body.reduce((sum, part) => sum + part.byteLength, 0);
}
