import type { StreamBody } from '../protocol/message.js';

/** An HTTP request that any platform can send. */
export interface HttpRequest {
  /** A GET has its arguments in the URL, and no body. */
  readonly method: 'GET' | 'POST';
  /** An absolute URL, or a path from the root if the client has no `uriPrefix`. */
  readonly url: string;
  /** The headers, by name. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * The body. Byte strings are sent one after the other. A `Blob` or a stream only for a call with a stream among its
   * arguments; it is read while it is sent.
   */
  readonly body: string | readonly Uint8Array[] | Blob | ReadableStream<Uint8Array> | undefined;
  /** Whether cookies are sent, as in `fetch`; `undefined` for the default of the platform. */
  readonly credentials?: 'omit' | 'same-origin' | 'include' | undefined;
  /** Aborted when the caller stops waiting. */
  readonly signal: AbortSignal;
  /** The accepted length of an answer after decompression, in bytes. A longer answer is rejected, so reading it may stop. */
  readonly maxBytes: number;
  /** The answer may be a stream: with its content type, it may be returned as {@link HttpReply.stream}. */
  readonly stream?: boolean | undefined;
}

/** An answer, decompressed. */
export interface HttpReply {
  /** The HTTP status. */
  readonly status: number;
  /** The value of a header, by its name in upper or lower case; `null` if it is absent. */
  header(name: string): string | null;
  /** The whole body; empty if the answer has none, or `stream` has it. */
  readonly body: Uint8Array;
  /** The body as it arrives, of an answer with the content type of streams. `return` ends the request. */
  readonly stream?: StreamBody | undefined;
}

/** Sends a request. Rejects without an answer, and with the reason of the signal once it is aborted. */
export type HttpSend = (request: HttpRequest) => Promise<HttpReply>;

/** The arguments of a call, as the body or the query of its request. */
export interface EncodedArguments {
  readonly type: string | undefined;
  readonly body: HttpRequest['body'];
  /** The arguments in the target of a GET. */
  readonly query?: string;
}
