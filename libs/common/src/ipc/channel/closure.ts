/** The end of a session, with a code of WebSocket (RFC 6455, 7.4.1) on every transport. */
export interface IpcClosure {
  /** For instance 1000 (done), 1001 (going away), 1006 (the connection broke). */
  readonly code: number;
  /** A sentence for logs; empty if the end has no reason. */
  readonly reason: string;
  /**
   * `local` if this end closed the session: its application did, or the peer broke a rule or gave no sign of life.
   * `remote` if the peer closed it, or the connection is gone.
   */
  readonly initiator: 'local' | 'remote';
}

/** A call that cannot be answered any more, because its session is over. */
export class IpcClosedError extends Error {
  constructor(
    /** How the session ended. */
    readonly closure: IpcClosure,
  ) {
    super(`The IPC session is over (${closure.code}${closure.reason && `: ${closure.reason}`}).`);
    this.name = 'IpcClosedError';
  }
}

/** Whether a close frame may have a code (RFC 6455, 7.4): 1004 to 1006 and 1015 are never sent. */
export function isCloseCode(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  return (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) || (code >= 3000 && code <= 4999);
}

/** Codes with which this end closes a session that went wrong. */
const faults = new Set([1002, 1006, 1007, 1008, 1009, 1011, 1013]);

/** Whether this end closed a session for a fault, which belongs in the log. A frontend that has left does not. */
export function isFaultyEnd({ code, initiator }: IpcClosure): boolean {
  return initiator === 'local' && faults.has(code);
}

/** Whether a thrown value of any kind is the end of a session. Never throws. */
export function isClosedError(thrown: unknown): boolean {
  try {
    return thrown instanceof IpcClosedError;
  } catch {
    // A proxy may throw when its prototype is read.
    return false;
  }
}
