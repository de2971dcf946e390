import type { NumberedError } from '../../base/numbered.error.js';

/** The type of a message (docs/wire.md#32-messages). */
export const IpcMessageType = {
  /** From the frontend, without an answer. */
  Send: 0,
  /** From the backend, without an answer. */
  Push: 1,
  /** A call of the frontend's. */
  Invoke: 2,
  /** The answer to a call. */
  Response: 3,
  /** A call whose answer nobody waits for any more; on the durable wire. */
  Cancel: 4,
} as const;

/** What a transport sends at once: text, bytes, or a list where the platform clones what is sent. */
export type IpcFrame = string | Uint8Array | readonly unknown[];

/** A message as it was received. Only its form has been checked: what it names may not exist. */
export interface IpcMessage {
  readonly type: number;
  readonly channel: string;
  /** Of an Invoke: what is called. */
  readonly method: unknown;
  /** Of an Invoke: the number under which it is answered. Of a Response: the number of the call. */
  readonly request: number;
  /** Arguments. Of a Response: its data alone. */
  readonly data: unknown[];
  /** Of an Invoke, on the wire that carries it. */
  readonly activityId: unknown;
  /** Of an Invoke, on the wire that carries it: how long the frontend waits, in milliseconds. */
  readonly timeoutMs: unknown;
  readonly sequence: number;
  /** Why its value was not taken; `data` is empty then. A call is answered with it. */
  readonly refusal?: NumberedError | undefined;
}

/** A message of an unknown type: it has its place in the order, and is ignored. */
export const ignoredMessage: Omit<IpcMessage, 'sequence'> = {
  type: -1,
  channel: '',
  method: undefined,
  request: 0,
  data: [],
  activityId: undefined,
  timeoutMs: undefined,
};

/** A session that is over: the codes of WebSocket (RFC 6455, 7.4.1), on every transport. */
export interface IpcClosure {
  /** For instance 1000 (done), 1001 (going away), 1006 (broken off without a word). */
  readonly code: number;
  /** A sentence, for logs; empty where nobody gave one. */
  readonly reason: string;
}

/** A peer did what the protocol does not allow; its session ends with this code and reason. */
export class IpcProtocolError extends Error {
  constructor(
    /**
     * 1002 broken protocol (a frame of the wrong kind included), 1007 wrong content, 1008 not allowed, 1009 too big; 4000
     * a connection that is given up, 4001 a session that cannot be resumed.
     */
    readonly code: 1002 | 1007 | 1008 | 1009 | 4000 | 4001,
    message: string,
  ) {
    super(message);
  }
}

/** A session that was to be resumed is not there, or is another's; or none can be begun. */
export class SessionLost extends IpcProtocolError {
  constructor(message = 'The session is not there any more.') {
    super(4001, message);
  }
}

/** A call that cannot be answered any more: the session that it went through is over. */
export class IpcClosedError extends Error {
  constructor(
    /** How the session ended. */
    readonly closure: IpcClosure,
  ) {
    super(`The IPC session is over (${closure.code}${closure.reason && `: ${closure.reason}`}).`);
    this.name = 'IpcClosedError';
  }
}

/** Whether a close frame may bear a code (RFC 6455, 7.4): 1004 to 1006 and 1015 are never sent. */
export function isCloseCode(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  return (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) || (code >= 3000 && code <= 4999);
}
