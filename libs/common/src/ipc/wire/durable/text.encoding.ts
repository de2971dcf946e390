import type { BytePool } from '../../../bytes/byte.pool.js';
import { decodeBlocks, encodeBlocks } from '../../../bytes/byte.blocks.js';
import type { IpcLimits } from '../../../base/limits.js';
import { NumberedError } from '../../../base/numbered.error.js';
import { IpcProtocolError } from '../../message/message.js';
import type { IpcFrame } from '../../message/message.js';
import type { OutgoingItem, OutgoingMessage } from '../../message/outgoing.message.js';
import {
  checkFrameLength,
  parseFrame,
  refuseBinary,
  RefusedMessage,
  refuseMessage,
  tooManyBytes,
} from '../../message/refusal.js';
import { messageText } from './codec.js';
import { needsParts, parseText, reviveParts } from '../../message/value.codec.js';

/** A message as it is kept until it is acknowledged. */
export interface PreparedMessage {
  /** Bytes are a frame of their own. Other contents are joined to one frame. */
  readonly content: IpcFrame;
  readonly bytes: number;
}

/** A frame as a list: a number and messages. */
export interface ParsedFrame {
  readonly list: unknown[];
  readonly bytes: number;
}

/** Encodes and decodes the lists of the durable wire as the frames of a platform. */
export interface FrameEncoding {
  /**
   * Encodes a message.
   *
   * @param number returns the number of the message; called after the value was read, because a getter can send, too
   * @param pool has memory for messages with bytes
   * @throws NumberedError if the value cannot be sent
   */
  prepare(message: OutgoingMessage, number: () => number, pool?: BytePool): PreparedMessage;
  /**
   * The value of an item as it stands in a message with others; `undefined` for one that needs a message of its own.
   *
   * @throws NumberedError if it cannot be sent
   */
  item(message: OutgoingItem): { readonly value: unknown; readonly bytes: number } | undefined;
  /** The message of several items of one stream. @param values from {@link item} */
  items(stream: OutgoingItem, values: readonly unknown[]): IpcFrame;
  /** A list of its own: a control message, or a message of the handshake. */
  list(values: readonly unknown[]): IpcFrame;
  /** A frame of messages; `first` is the number of the first message. */
  frame(first: number, contents: readonly IpcFrame[]): IpcFrame;
  /** Reads a frame. @throws IpcProtocolError if it is not a list, or its values cannot be accepted */
  parse(frame: IpcFrame, limits: IpcLimits): ParsedFrame;
}

const encoder = new TextEncoder();

/** As JSON text, and bytes where a message has typed arrays: over WebSocket. */
export const textEncoding: FrameEncoding = {
  prepare(message, number, pool) {
    const text = messageText(message);
    const { parts } = message.data.encode();
    if (parts.length === 0) return { content: text, bytes: text.length };
    // A copy: a message that is sent again must not have changed.
    const content = encodeBlocks([encoder.encode(joined(number(), [text])), ...parts], pool);
    return { content, bytes: content.byteLength };
  },

  item({ data }) {
    const { json, parts } = data.encode();
    // With the comma before it.
    return json === undefined || parts.length > 0 ? undefined : { value: json, bytes: json.length + 1 };
  },

  items: ({ type, request, slot }, values) => `[${type},${request},${slot},${values.join()}]`,

  list: (values) => JSON.stringify(values),

  frame: (first, contents) => joined(first, contents as string[]),

  parse(frame, limits) {
    if (typeof frame !== 'string' && !(frame instanceof Uint8Array))
      throw new IpcProtocolError(1002, 'A frame is neither text nor bytes.');
    const bytes = typeof frame === 'string' ? frame.length : frame.byteLength;
    if (typeof frame === 'string') checkFrameLength(bytes, limits);
    const { text, parts } = typeof frame === 'string' ? { text: frame, parts: [] } : blocksOf(frame, limits);
    if (typeof frame !== 'string' && bytes > limits.messageBytes)
      return { list: refuseBinary(text, limits), bytes };
    // The frame around a message does not count as nesting of the message.
    const list = parseFrame(text, limits, (json) => parseText(json, limits.depth + 1));
    if (!Array.isArray(list)) throw new IpcProtocolError(1007, 'A frame is no list.');
    if (needsParts(text, parts)) for (let i = 1; i < list.length; i++) list[i] = revived(list[i], parts);
    if (typeof frame !== 'string' && list.length !== 2)
      throw new IpcProtocolError(1007, 'A binary frame is not one message.');
    return { list, bytes };
  },
};

/** A message with its arrays. It is refused if it has a member that no value may have. */
function revived(message: unknown, parts: Uint8Array[]): unknown {
  if (message instanceof RefusedMessage) return message;
  try {
    return reviveParts(message, parts);
  } catch (error) {
    if (error instanceof NumberedError) return refuseMessage(message, error);
    throw error;
  }
}

function joined(first: number, texts: readonly string[]): string {
  return texts.length === 0 ? `[${first}]` : `[${first},${texts.join()}]`;
}

/** The text in the first of the blocks, and the memory of arrays in the others. */
function blocksOf(frame: Uint8Array, limits: IpcLimits): { text: string; parts: Uint8Array[] } {
  const [json, ...parts] = decodeBlocks(frame, limits.parts + 1) ?? [];
  if (!json) throw new IpcProtocolError(1007, 'A binary frame is not made of blocks.');
  const most = limits.messageBytes;
  // Frames above the limit are refused alone, those far above it are not read.
  if (json.byteLength > most || frame.byteLength > 2 * most) throw tooManyBytes(limits).violation;
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json), parts };
  } catch {
    throw new IpcProtocolError(1007, 'The text of a binary frame is not UTF-8.');
  }
}
