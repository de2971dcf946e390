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
   * 64 MiB: multipart carries binary data (a tile or a mesh has tens of megabytes), and a body has to fit into memory a
   * few times. The reference has no limit.
   */
  multipartBytes: number;
  /**
   * Parts of one multipart body. Past it: 400. A part costs an object and a header block; 4096 lets a
   * call carry a few thousand buffers, and a body of empty parts costs no more than its bytes.
   */
  parts: number;
  /** Bytes of the header block of one part. Past it: 400. A name and a type fit into a hundred bytes. */
  partHeaderBytes: number;
  /**
   * Nesting depth of lists and objects in a value. Past it the call fails. Real data is a few dozen
   * levels deep; 512 levels leave recursive code (`JSON.stringify`, a validation pipe) enough
   * stack.
   */
  depth: number;
  /**
   * Arguments of one call. Past it the call fails. Every engine limits how many items of a
   * list fit onto the stack, to some ten thousands. No interface has a hundred parameters.
   */
  arguments: number;
  /**
   * Characters of a request target. Past it: 414. The client sends cacheable calls by GET up to 8192
   * characters of base64 and by POST beyond; percent-encoding and the path need more.
   * (Node refuses headers beyond 16 KiB, including the request line.)
   */
  targetLength: number;
  /**
   * Calls that wait to run because their operation has a `concurrency`. Past it: 503 with `Retry-After`.
   * A waiting call holds its arguments. Retrying costs less than a longer queue.
   */
  waitingCalls: number;
  /**
   * Bytes of all request bodies that are being received, and of streams among the arguments that their methods have not read.
   * Past it the bodies of the address with most bytes are refused with 503. 256 MiB: four multipart bodies of the largest size, or thousands of usual ones, arrive at once.
   */
  heldBytes: number;
  /**
   * Bytes of all answers that clients have not read, streams among them. Past it a connection of the address with most bytes is closed.
   * 256 MiB, as for bodies. A slow client leaves a few megabytes unread.
   */
  unsentBytes: number;
  /**
   * Calls of one connection that run at once if a client does not wait for answers. Past it they wait, and the server
   * stops reading the connection: each call may hold its whole answer until the answer before it is sent. Browsers wait
   * for answers, and open six connections to a host.
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
const ARGUMENTS = 256;
/** Clients import these constants instead of the table, so that a page contains no limits of servers. */
export const MULTIPART_BYTES = 64 * MIB;
export const PARTS = 4096;
export const DEPTH = 512;
/**
 * Bytes of JSON text that a client reads from an answer. 32 MiB: answers of backends have up to some tens of megabytes. In
 * memory they take two to five times as much, or twenty times if they are empty objects, and a process of 1 GB must survive
 * that.
 */
export const ANSWER_TEXT_BYTES = 32 * MIB;

/** The default limits of requests. {@link WireLimits} explains them. */
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

/**
 * Bytes of one stream that are on their way, or wait for their reader: the producer stops until the reader has taken some of
 * them. 512 KiB keep a line of 100 Mbit/s with a round trip of 40 ms busy. One item may be larger.
 */
export const STREAM_WINDOW = 512 * 1024;
/** Bytes that every item of a stream counts beside its own, so that tiny items do not use more memory than they count. */
export const ITEM_BYTES = 64;
/**
 * Items of one message. Past it the session ends with 1008. A message is received in one step, and senders join small items up to
 * 16 KiB, in which each takes two characters.
 */
export const MESSAGE_ITEMS = 16 * 1024;
/**
 * Streams of one call over IPC: its result, its progress, and those among its arguments. Past it the caller rejects the call, and a
 * message with more ends the session with 1002. No method has as many, and each costs memory before it begins.
 */
export const CALL_STREAMS = 16;
/**
 * Bytes of the items of an Observable that wait for their reader, because an Observable cannot be slowed down. Past it the stream ends
 * with an error. 4 MiB hold about twenty thousand small items.
 */
export const OBSERVABLE_BYTES = 4 * MIB;

/** The most that a peer may use of this process over IPC; see {@link WireLimits}. */
export interface IpcLimits {
  /**
   * Bytes of one message, its binary frames included. Past it a call is answered with an error, and a message that cannot be
   * answered ends the session with 1009. 64 MiB, as for a multipart body. A WebSocket frame may have twice as many, because escapes
   * can double a text.
   */
  messageBytes: number;
  /**
   * Characters of the JSON text of one message, without the escapes of a frame around it. Past it a call is answered with an
   * error, and a message that cannot be answered ends the session with 1009. 64 MiB, as for a multipart body. A text
   * above 5 MiB fails in the same way if it has more than one list or object for every 16 characters of the limit: parsed, it
   * could take twenty times its memory.
   */
  textLength: number;
  /**
   * Binary frames of one message. Past it the session ends with 1008. The same number as for multipart parts; a sender refuses a
   * value with more typed arrays.
   */
  parts: number;
  /** Nesting depth of lists and objects in a message. Past it the session ends with 1007. As over HTTP. */
  depth: number;
  /**
   * Arguments of one message. Past it a call is answered with an error, and a message that cannot be answered ends the
   * session with 1008. As over HTTP.
   */
  arguments: number;
  /**
   * Calls and messages of one session that run at once. Past it the next ones wait. Each holds its arguments and occupies
   * a handler, and more than this number at once is not faster.
   */
  pendingCalls: number;
  /**
   * Bytes of memory of the calls and messages of one session that wait because of {@link pendingCalls}. Past it a call is
   * answered with an error, and a message that cannot be answered ends the session with 1008. 16 MiB hold about
   * fifty thousand small calls. One stream of items that wait for their reader may take as much; an honest sender stops at
   * {@link STREAM_WINDOW}.
   */
  queuedBytes: number;
  /**
   * Messages that wait for a missing earlier message. Past it the session ends with 1002, because on one connection
   * no message is missing for long.
   */
  waitingMessages: number;
  /** Bytes of the messages that wait for a missing earlier message; see {@link waitingMessages}. 1 MiB. */
  waitingBytes: number;
  /**
   * Milliseconds within which announced binary frames, or a message that others wait for, must arrive. Past it the
   * session ends with 1002. In half a minute 64 MiB arrive at 2 MB/s.
   */
  arrivalMs: number;
  /**
   * Bytes sent to a peer that does not read them, without the largest message. Past it the session ends with 1013 and a line in
   * the log. 16 MiB are two minutes of video. To send more, await the promise that `send` returns.
   */
  bufferedBytes: number;
  /**
   * Bytes of answers of one session that wait until its frontend has read the earlier ones. Past it further calls are
   * answered with an error, but a single answer may be larger. From an eighth of it on, further calls wait. 64 MiB, the
   * size of the largest message: no page needs more answers at once.
   */
  answerBytes: number;
  /**
   * Bytes that wait for the frontends of all sessions: unacknowledged messages of the durable wire, memory that is kept for
   * the next ones, waiting answers, and unsent bytes of the compatible wire. Past it the largest session of the user or
   * address with most bytes ends with 1013, so that nobody else is affected. 256 MiB.
   */
  keptBytes: number;
  /**
   * Rooms of one session. Past it `join` rejects. A session that ends leaves its rooms one by one, and each costs a subscription
   * at a backplane: 256 are more than a page shows at once.
   */
  sessionRooms: number;
  /** Sessions of this server in one room. Past it `join` rejects. A notification is a write for each: 10,000, as many as sessions. */
  roomMembers: number;
  /** Characters of the name of a room, and of a user. Past it `join` rejects. Names are kept by every node, and repeated in frames. */
  roomName: number;
  /** Characters of the JSON of a member: its user and its data. Past it `join` rejects. A list of 10,000 members has 40 MB. */
  memberText: number;
  /**
   * Bytes that wait for the backplane. Past it a notification to a room, or a call to a session of another node, rejects. 64 MiB
   * are a minute of 1,000 notifications a second of 1 KB each.
   */
  backplaneBytes: number;
  /**
   * Connections that this server passes on to other nodes, which have their sessions, and those that others pass on to it. Past it the
   * newest one of the user with most ends, or a frontend that finds no place connects again, to this node or another one. 10,000, as
   * many as sessions. Each takes about two kilobytes.
   */
  relays: number;
  /** Sessions of this server. Past it an upgrade is refused with 503. Each takes about twenty kilobytes. */
  sessions: number;
  /**
   * Sessions of one user over all nodes of a backplane. Past it a further one ends with 1013. Each node besides gives its places to
   * the users in equal parts. 10,000, as many as one server can have.
   */
  userSessions: number;
  /**
   * Upgrades that are being authorized. Past it an upgrade is refused with 503, so that peers without authorization
   * never hold more of the server than authorized ones.
   */
  upgrades: number;
  /** Milliseconds that authorizing an upgrade may take. Past it the upgrade is refused with 503. */
  upgradeMs: number;
}

/** The default limits of sessions. {@link IpcLimits} explains them. */
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
  sessionRooms: 256,
  roomMembers: 10_000,
  roomName: 256,
  memberText: 4096,
  backplaneBytes: 64 * MIB,
  relays: 10_000,
  sessions: 10_000,
  userSessions: 10_000,
  upgrades: 256,
  upgradeMs: 30_000,
};
