/**
 * What a peer may ask of this process at the most. Every number has a reason, a count that it applies
 * to, and an error of its own when it is passed; none is ever taken from what a peer announces.
 */
export interface WireLimits {
  /**
   * Bytes of a text or octet-stream request body, after decompression. Past it: 413.
   * 5 MiB is what the reference server accepts, so that a client sees no difference.
   */
  bodyBytes: number;
  /**
   * Bytes of a multipart request body, after decompression. Past it: 413.
   * 64 MiB: binary is what multipart is for (a tile or a mesh has tens of megabytes), and a body has to
   * fit into memory a few times over. The reference has no limit at all.
   */
  multipartBytes: number;
  /**
   * Parts of one multipart body. Past it: 400. A part costs an object and a header block; 4096 lets a
   * call carry some thousand buffers and keeps a body of empty parts from costing more than its bytes.
   */
  parts: number;
  /** Bytes of the header block of one part. Past it: 400. A name and a type fit into a hundred bytes. */
  partHeaderBytes: number;
  /**
   * Nesting depth of lists and objects in a value. Past it the call fails. Real data is a few dozen
   * levels deep; 512 stays far from where recursive code (`JSON.stringify`, a validation pipe) would
   * run out of stack.
   */
  depth: number;
  /**
   * Arguments of one call. Past it the call fails. Spreading a list onto the stack has a limit of its
   * own in every engine, at some ten thousands; no interface has a hundred parameters.
   */
  arguments: number;
  /**
   * Characters of a request target. Past it: 414. The client sends cacheable calls by GET up to 8192
   * characters of base64 and by POST beyond; percent-encoding and the path need room beside it.
   * (Node itself refuses headers, the request line included, beyond 16 KiB.)
   */
  targetLength: number;
  /**
   * Calls that wait for a place where an operation has a `concurrency`. Past it: 503 with `Retry-After`.
   * A waiting call holds its arguments; a queue longer than this is better retried than kept.
   */
  waitingCalls: number;
}

export const defaultWireLimits: Readonly<WireLimits> = {
  bodyBytes: 5 * 1024 * 1024,
  multipartBytes: 64 * 1024 * 1024,
  parts: 4096,
  partHeaderBytes: 8 * 1024,
  depth: 512,
  arguments: 256,
  targetLength: 32 * 1024,
  waitingCalls: 1000,
};
