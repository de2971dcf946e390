import { decodeBlocks, encodeBlocks } from '../../../base/byte.blocks.js';
import type { IpcLimits } from '../../../base/limits.js';
import { NumberedError } from '../../../base/numbered.error.js';
import { IpcMessageType, IpcProtocolError } from '../../message/message.js';
import type { IpcFrame } from '../../message/message.js';
import type { OutgoingMessage } from '../../message/outgoing.message.js';
import { checkFrameLength, parseFrame, RefusedMessage, refuseMessage } from '../../message/refusal.js';
import { needsParts, parseText, reviveParts } from '../../message/value.codec.js';

/** A message as it is kept until it is acknowledged. */
export interface PreparedMessage {
  /** Bytes are a frame of their own; anything else is joined with others to one. */
  readonly content: IpcFrame;
  readonly bytes: number;
}

/** A frame as a list: a number and messages. */
export interface ParsedFrame {
  readonly list: unknown[];
  readonly bytes: number;
}

/** The lists that the durable wire is made of, in the form in which a platform sends them. */
export interface FrameEncoding {
  /**
   * @param number gives the message's own, when its value has been read: code of the value's may send, too
   * @throws NumberedError for a value that cannot be sent
   */
  prepare(message: OutgoingMessage, number: () => number): PreparedMessage;
  /** A list of its own: a control message, or a greeting. */
  list(values: readonly unknown[]): IpcFrame;
  /** The frame of messages, of which the first has this number. */
  frame(first: number, contents: readonly IpcFrame[]): IpcFrame;
  /** Reads a frame. @throws IpcProtocolError for what is no list, and for values that cannot be taken */
  parse(frame: IpcFrame, limits: IpcLimits): ParsedFrame;
}

/** As JSON text, and bytes where a message has typed arrays: over WebSocket. */
export const textEncoding: FrameEncoding = {
  prepare(message, number) {
    const text = textOf(message);
    const { parts } = message.data.encode();
    if (parts.length === 0) return { content: text, bytes: text.length };
    // A copy: what is sent again has to be what was sent.
    const content = encodeBlocks([new TextEncoder().encode(joined(number(), [text])), ...parts]);
    return { content, bytes: content.byteLength };
  },

  list: (values) => JSON.stringify(values),

  frame: (first, contents) => joined(first, contents as string[]),

  parse(frame, limits) {
    if (typeof frame !== 'string' && !(frame instanceof Uint8Array))
      throw new IpcProtocolError(1002, 'A frame is neither text nor bytes.');
    const bytes = typeof frame === 'string' ? frame.length : frame.byteLength;
    const { messageBytes, depth } = limits;
    if (typeof frame === 'string') checkFrameLength(bytes, limits);
    else if (bytes > messageBytes)
      throw new IpcProtocolError(1009, `A message of more than ${messageBytes} bytes.`);
    const { text, parts } = typeof frame === 'string' ? { text: frame, parts: [] } : blocksOf(frame, limits);
    // The frame around a message is no nesting of the message's.
    const list = parseFrame(text, limits, (json) => parseText(json, depth + 1));
    if (!Array.isArray(list)) throw new IpcProtocolError(1007, 'A frame is no list.');
    if (needsParts(text, parts)) for (let i = 1; i < list.length; i++) list[i] = revived(list[i], parts);
    if (typeof frame !== 'string' && list.length !== 2)
      throw new IpcProtocolError(1007, 'A binary frame is not one message.');
    return { list, bytes };
  },
};

/** A message with its arrays; refused, where there is what no value may have. */
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

/** A message as JSON text: a list that begins with its type. */
function textOf(message: OutgoingMessage): string {
  const { type, channel, method, request, data, activityId, timeoutMs } = message;
  const { json } = data.encode();
  const value = json === undefined ? '' : `,${json}`;
  if (type === IpcMessageType.Invoke) {
    const name = `${JSON.stringify(channel)},${JSON.stringify(method)}`;
    const text = `[2,${request},${name},${json ?? '[]'},${JSON.stringify(activityId)}`;
    return timeoutMs ? `${text},${timeoutMs}]` : `${text}]`;
  }
  if (type === IpcMessageType.Response) return `[3,${request},${JSON.stringify(channel)}${value}]`;
  if (type === IpcMessageType.Cancel) return `[4,${request}]`;
  return `[${type},${JSON.stringify(channel)}${value}]`;
}

/** The text in the first of the blocks, and the memory of arrays in the others. */
function blocksOf(frame: Uint8Array, limits: IpcLimits): { text: string; parts: Uint8Array[] } {
  const [json, ...parts] = decodeBlocks(frame, limits.parts + 1) ?? [];
  if (!json) throw new IpcProtocolError(1007, 'A binary frame is not made of blocks.');
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json), parts };
  } catch {
    throw new IpcProtocolError(1007, 'The text of a binary frame is not UTF-8.');
  }
}
