import { isCount } from '../../value/value.codec.js';
import { IpcProtocolError } from './message.js';
import type { IpcMessage } from './message.js';

/**
 * Checks the members of a message.
 *
 * @throws IpcProtocolError for a message whose members are not what they should be
 */
export function checkMessage(message: {
  [Member in keyof Omit<IpcMessage, 'sequence'>]: unknown;
}): Omit<IpcMessage, 'sequence'> {
  const { type, channel, request, data } = message;
  if (typeof type !== 'number') throw malformed('has no type');
  if (typeof channel !== 'string') throw malformed('names no channel');
  if (!isCount(request)) throw malformed('has a request number that is none');
  if (!Array.isArray(data)) throw malformed('has no list of arguments');
  return message as Omit<IpcMessage, 'sequence'>;
}

export function malformed(what: string): IpcProtocolError {
  return new IpcProtocolError(1002, `A message ${what}.`);
}
