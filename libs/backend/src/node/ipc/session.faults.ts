import { setMaxListeners } from 'node:events';
import type { IpcClosure, IpcSession } from '@linnet/common';
import { isFaultyEnd, oneLine } from '@linnet/common/internal';

/** Lets every call of a session listen to its signal. Node would warn of a leak otherwise. */
export function allowListeners({ signal }: IpcSession): void {
  setMaxListeners(0, signal);
}

/** The log line about a session that this end closed for a fault; `undefined` for every other end. */
export function faultOf({ id }: IpcSession, closure: IpcClosure): string | undefined {
  if (!isFaultyEnd(closure)) return undefined;
  return `Session ${id} was ended: ${oneLine(closure.reason)} (${closure.code})`;
}
