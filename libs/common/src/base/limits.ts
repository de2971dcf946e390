/**
 * The most that a peer may use of this process. Every number has a reason, a count that it applies to, and an error of
 * its own. A number that a peer announces is never used.
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
  /**
   * Bytes of all request bodies that have begun and not ended. Past it those of the address that has most are refused with
   * 503. 256 MiB: four multipart bodies of the largest size, or thousands of usual ones, arrive at once.
   */
  heldBytes: number;
  /**
   * Bytes of all answers that clients have not taken. Past it a connection of the address that has most of them is cut.
   * 256 MiB, as for bodies; what one client reads slowly is a few megabytes.
   */
  unsentBytes: number;
  /**
   * Calls of one connection that run at once, where a client does not wait for answers. Past it they wait, and the
   * connection is not read: each may have its whole answer waiting behind the one before. Browsers do not send so, and open
   * six connections to a host.
   */
  pipelinedCalls: number;
}

/**
 * Limits with their defaults. `undefined` counts as missing.
 *
 * @throws Error if a limit is unknown, or its value is not a number
 */
export function limitsFrom<Limits extends object>(
  defaults: Readonly<Limits>,
  given: Partial<Limits> = {},
): Limits {
  const limits: Record<string, unknown> = { ...defaults };
  for (const [name, limit] of Object.entries(given)) {
    if (limit === undefined) continue;
    if (!Object.hasOwn(defaults, name) || typeof limit !== 'number' || !(limit >= 0))
      throw new Error(`limits: ${name} cannot be ${String(limit)}.`);
    limits[name] = limit;
  }
  return limits as Limits;
}

const MIB = 1024 * 1024;
const TEXT_BYTES = 5 * MIB;
const PARTS = 4096;
const ARGUMENTS = 256;
/** Also what clients take: the constants, not the table, so that pages carry nothing of servers. */
export const MULTIPART_BYTES = 64 * MIB;
export const DEPTH = 512;
/**
 * Bytes of JSON text that a client reads of an answer. 32 MiB: backends answer with some tens of megabytes, and in memory
 * that is two to five times as much; of empty objects it is twenty times, and a process of 1 GB has to live through it.
 */
export const ANSWER_TEXT_BYTES = 32 * MIB;

/** The limits of requests that are read where an application names no others; {@link WireLimits} has their reasons. */
export const defaultWireLimits: Readonly<WireLimits> = {
  bodyBytes: TEXT_BYTES,
  multipartBytes: MULTIPART_BYTES,
  parts: PARTS,
  partHeaderBytes: 8 * 1024,
  depth: DEPTH,
  arguments: ARGUMENTS,
  targetLength: 32 * 1024,
  waitingCalls: 1000,
  heldBytes: 256 * MIB,
  unsentBytes: 256 * MIB,
  pipelinedCalls: 10,
};

/** The most that a peer may use of this process over IPC; see {@link WireLimits}. */
export interface IpcLimits {
  /**
   * Bytes of one message, its binary frames included. Past it the session ends with 1009. 64 MiB, as for a multipart body.
   * A frame of a WebSocket may have twice as many, as escapes can double a text.
   */
  messageBytes: number;
  /**
   * Characters of the JSON text of one message, without the escapes of a frame around it. Past it a call is answered with an
   * error, and a message that cannot be answered ends the session with 1009. 64 MiB, as for a multipart body. The same
   * happens to a text of more than 5 MiB with more than one list or object for 16 of these characters: parsed, a list of
   * empty lists would be twenty times as large.
   */
  textLength: number;
  /** Binary frames of one message. Past it the session ends with 1008. As the parts of a multipart body. */
  parts: number;
  /** Nesting depth of lists and objects in a message. Past it the session ends with 1007. As over HTTP. */
  depth: number;
  /**
   * Arguments of one message. Past it a call is answered with an error, and a message that cannot be answered ends the
   * session with 1008. As over HTTP.
   */
  arguments: number;
  /**
   * Calls and messages of one session that are being worked on. Past it the next ones wait for their turn. Each holds its
   * arguments and a place in a handler, and a thousand at once gain nothing over their number.
   */
  pendingCalls: number;
  /**
   * Bytes of memory of the calls and messages of one session that wait because of {@link pendingCalls}. Past it a call is
   * answered with an error, and a message that cannot be answered ends the session with 1008. 16 MiB are some fifty
   * thousand small calls.
   */
  queuedBytes: number;
  /**
   * Messages that wait because one before them is missing. Past it the session ends with 1002: over one
   * connection none is ever missing for long.
   */
  waitingMessages: number;
  /** Bytes of the messages that wait because one before them is missing. As {@link waitingMessages}. 1 MiB. */
  waitingBytes: number;
  /**
   * Milliseconds in which announced binary frames, or a message that others wait for, have to arrive. Past it the
   * session ends with 1002. Half a minute lets 64 MiB through a line of 2 MB/s.
   */
  arrivalMs: number;
  /**
   * Bytes on their way to a peer that does not take them. Past it the session ends with 1013 and a line in the
   * log. 16 MiB is two minutes of video; who wants to send more waits for what `send` returns.
   */
  bufferedBytes: number;
  /**
   * Bytes of answers of one session that wait until its frontend has taken what was sent before. Past it further calls are
   * answered with an error; one answer may be larger. From an eighth on further calls wait. 64 MiB, as the largest message: a page that asks for more at once
   * has lost count of it.
   */
  answerBytes: number;
  /**
   * Bytes that wait for the frontends of all sessions: kept on the durable wire until they are acknowledged, answers that
   * wait, and what a connection of the compatible wire has not taken. Past it the largest session of the user, or of the
   * address, that has most ends with 1013: whoever costs too much loses his own, and nobody else. 256 MiB.
   */
  keptBytes: number;
  /** Sessions of this server. Past it an upgrade is refused with 503. Each costs some twenty kilobytes. */
  sessions: number;
  /**
   * Upgrades that are being authorized. Past it an upgrade is refused with 503: who is not known yet shall not
   * hold more of the server than those who are.
   */
  upgrades: number;
  /** Milliseconds that authorizing an upgrade may take. Past it the upgrade is refused with 503. */
  upgradeMs: number;
}

/** The limits of sessions where an application names no others; {@link IpcLimits} has their reasons. */
export const defaultIpcLimits: Readonly<IpcLimits> = {
  messageBytes: MULTIPART_BYTES,
  textLength: MULTIPART_BYTES,
  parts: PARTS,
  depth: DEPTH,
  arguments: ARGUMENTS,
  pendingCalls: 1000,
  queuedBytes: 16 * MIB,
  waitingMessages: 1000,
  waitingBytes: MIB,
  arrivalMs: 30_000,
  bufferedBytes: 16 * MIB,
  answerBytes: MULTIPART_BYTES,
  keptBytes: 256 * MIB,
  sessions: 10_000,
  upgrades: 256,
  upgradeMs: 30_000,
};
