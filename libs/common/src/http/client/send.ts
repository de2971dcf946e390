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
  /** As much of an answer as is of use, in bytes, decompressed. Who has read more need not read on: it is refused. */
  readonly maxBytes: number;
}

/** What came back, decompressed. */
export interface HttpReply {
  /** The HTTP status, whatever it is. */
  readonly status: number;
  /** The value of a header, by its name in any case; `null` where it is absent. */
  header(name: string): string | null;
  /** Whole; empty where there was none. */
  readonly body: Uint8Array;
}

/** Sends a request. Rejects where there is no answer, and with the signal's reason once that is aborted. */
export type HttpSend = (request: HttpRequest) => Promise<HttpReply>;
