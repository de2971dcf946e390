/** A request of HTTP, ready to be sent by any platform. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | readonly Uint8Array[] | undefined;
  readonly signal: AbortSignal;
}

/** What came back. */
export interface HttpReply {
  readonly status: number;
  /** @returns the value of a header, `null` where it is absent */
  header(name: string): string | null;
  readonly body: Uint8Array;
}

/** Sends a request. Rejects where there is no answer, and with the signal's reason. */
export type HttpSend = (request: HttpRequest) => Promise<HttpReply>;
