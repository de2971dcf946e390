/** A request of HTTP, ready to be sent by any platform. */
export interface HttpRequest {
  /** GET has its arguments in the URL, and no body. */
  readonly method: 'GET' | 'POST';
  /** Absolute, or from the root where the client has no `uriPrefix`. */
  readonly url: string;
  /** By name, as they are to be sent. */
  readonly headers: Readonly<Record<string, string>>;
  /** Byte strings are sent one after the other. */
  readonly body: string | readonly Uint8Array[] | undefined;
  /** Whether cookies travel with it, as `fetch` has it; `undefined`: as the platform does by default. */
  readonly credentials?: 'omit' | 'same-origin' | 'include' | undefined;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** The accepted length of an answer after decompression, in bytes. A longer answer is rejected, so reading it may stop. */
  readonly maxBytes: number;
}

/** An answer, decompressed. */
export interface HttpReply {
  /** The HTTP status, whatever it is. */
  readonly status: number;
  /** The value of a header, by its name in any case; `null` where it is absent. */
  header(name: string): string | null;
  /** The whole body; empty if the answer has none. */
  readonly body: Uint8Array;
}

/** Sends a request. Rejects without an answer, and with the reason of the signal once it is aborted. */
export type HttpSend = (request: HttpRequest) => Promise<HttpReply>;
