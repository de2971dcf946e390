import type { IpcClosure } from '../channel/closure.js';
import { INTERRUPTED } from '../wire/durable/link.js';

/** The end of a frontend that its application closed. */
export const closedHere: IpcClosure = { code: 1000, reason: 'closed by this side', initiator: 'local' };

/** The end of a session that the backend does not resume. */
export function sessionLost(reason: string): IpcClosure {
  return { code: 4001, reason, initiator: 'remote' };
}

/**
 * Whether a backend closed because the session is over, and not because the connection broke. The connection may have
 * damaged a frame (1002, 1007): the frontend connects again to find out whether the session still exists.
 */
export function isFinal(code: number): boolean {
  if (code === 1002 || code === 1007 || code === INTERRUPTED) return false;
  return code <= 1003 || (code >= 1008 && code <= 1013) || code >= 3000;
}
