import { generalError, NumberedError } from '../../../base/numbered.error.js';
import { ValueCopier } from '../../../value/value.copier.js';
import type { CopyRules } from '../../../value/value.copier.js';
import { describeUnsendable } from '../../../value/value.inspector.js';
import { messageList } from './codec.js';
import type { FrameEncoding } from './text.encoding.js';
import type { IpcLimits } from '../../../base/limits.js';
import { IpcProtocolError } from '../../message/message.js';
import type { OutgoingValue } from '../../message/outgoing.message.js';
import { refuseMessage } from '../../message/refusal.js';
import {
  arrayOver,
  bytesOf,
  SENT_DEPTH,
  isCarried,
  markerError,
  parseText,
  reviveParts,
} from '../../message/value.codec.js';

/**
 * The lists of the durable wire as values, for platforms that clone them: message ports and Electron. Both sides copy
 * the values, because a platform clones more kinds than JSON has, and a peer may send all of them.
 */
export const structuredCloneEncoding: FrameEncoding = {
  prepare(message) {
    const { value, bytes } = copyOf(message.data);
    return { content: messageList(message, value), bytes };
  },

  item({ data }) {
    const item = copyOf(data);
    return item.value === undefined ? undefined : item;
  },

  items: ({ type, request, slot }, values) => [type, request, slot, ...values],

  list: (values) => values,

  frame: (first, contents) => [first, ...contents],

  parse(frame, limits) {
    // The frame, its messages and the values of each: three levels that JSON text has as well.
    const { value, bytes } = copyReceived(frame, { ...limits, depth: limits.depth + 1 }, refuseMessage);
    if (!Array.isArray(value)) throw new IpcProtocolError(1007, 'A frame is no list.');
    return { list: value as unknown[], bytes };
  },
};

/**
 * Copies a list that a peer has sent over a platform that clones values. The copy has only values that JSON has.
 *
 * @param refused returns a replacement for an item with a member that no value may have. Default: nothing is copied
 * @throws IpcProtocolError 1009 above `messageBytes`, 1007 if a value is too deep or cannot be copied
 */
export function copyReceived(
  list: unknown,
  { messageBytes, depth }: Pick<IpcLimits, 'messageBytes' | 'depth'>,
  refused: NonNullable<CopyRules['refused']> = refuseAll,
): { value: unknown; bytes: number } {
  const check = () => undefined;
  const copier = new ValueCopier({ depth, bytes: messageBytes, refused, arrayOf: ownArray, check });
  try {
    return { value: copier.copy(list), bytes: copier.bytes };
  } catch (error) {
    if (error instanceof NumberedError)
      throw new IpcProtocolError(copier.bytes > messageBytes ? 1009 : 1007, error.message);
    throw error;
  }
}

function refuseAll(_item: unknown, error: NumberedError): never {
  throw error;
}

const sending: CopyRules = {
  // The limit also ends a cycle.
  depth: SENT_DEPTH,
  bytes: Infinity,
  // Only the memory of the array: a clone would have the whole buffer behind it.
  arrayOf: (view) => arrayOver(view, bytesOf(view).slice().buffer),
  check(record) {
    if (Object.hasOwn(record, 'ipc') && (record as { ipc: unknown }).ipc === 'binary') throw markerError();
  },
};

/**
 * Copies a value for a peer, in its envelope.
 *
 * @throws NumberedError if the value cannot be sent
 */
export function copyOf(outgoing: OutgoingValue): { value: unknown; bytes: number } {
  return outgoing.made(() => copied(outgoing));
}

function copied({ value, envelope, encoded, exposure }: OutgoingValue): { value: unknown; bytes: number } {
  // It was encoded as text before, for another peer or without one, and may have changed since.
  if (encoded) return parsed(encoded);
  const copier = new ValueCopier(exposure ? { ...sending, exposure } : sending);
  try {
    const copy = copier.copy(value);
    const wrapped = envelope && (copy === undefined ? {} : { [envelope]: copy });
    return { value: wrapped ?? copy, bytes: copier.bytes };
  } catch (error) {
    if (!(error instanceof NumberedError)) throw error;
    throw generalError(describeUnsendable(value, isCarried) ?? error.message);
  }
}

function parsed({ json, parts }: NonNullable<OutgoingValue['encoded']>): { value: unknown; bytes: number } {
  if (json === undefined) return { value: undefined, bytes: 0 };
  const copies = parts.map((part) => part.slice());
  const value = reviveParts(parseText(json, SENT_DEPTH + 1), copies);
  return { value, bytes: copies.reduce((sum, { byteLength }) => sum + byteLength, json.length) };
}

/** An array with memory of its own: a peer may have sent memory that is shared, or that grows. */
function ownArray(view: ArrayBufferView): ArrayBufferView {
  const bytes = bytesOf(view);
  const { buffer } = view as { buffer: ArrayBufferLike & { resizable?: boolean } };
  const isOwn =
    Object.prototype.toString.call(buffer) === '[object ArrayBuffer]' &&
    !buffer.resizable &&
    buffer.byteLength === view.byteLength;
  return arrayOver(view, isOwn ? (buffer as ArrayBuffer) : bytes.slice().buffer);
}
