import { NumberedError } from '../../../base/numbered.error.js';
import { isCount } from '../../../value/value.codec.js';
import type { IpcLimits } from '../../../base/limits.js';
import { ignoredMessage, IpcMessageType, IpcProtocolError } from '../../message/message.js';
import type { IpcMessage } from '../../message/message.js';
import type { OutgoingMessage } from '../../message/outgoing.message.js';
import { checkMessage, malformed } from '../../message/message.check.js';
import { checkTextLength, exceedsLimits, refuseCall } from '../../message/refusal.js';
import { needsParts, parseText, reviveParts } from '../../message/value.codec.js';

/**
 * The text frame of a message, with its members in the order of iTwin.js.
 *
 * @throws NumberedError if the value cannot be sent
 */
export function textFrame(message: OutgoingMessage, sequence: number): string {
  message.text ??= JSON.stringify(`{${membersOf(message)},"sequence":`).slice(1, -1);
  return `["${message.text}${sequence}}",${message.data.encode().parts.length}]`;
}

function membersOf(message: OutgoingMessage): string {
  const { type, channel, data } = message;
  const { json } = data.encode();
  let members = `"type":${type},"channel":${JSON.stringify(channel)}`;
  if (type === IpcMessageType.Invoke) members += `,"method":${JSON.stringify(message.method)}`;
  else if (type === IpcMessageType.Response) members += `,"response":${message.request}`;
  if (json !== undefined) members += `,"data":${json}`;
  return type === IpcMessageType.Invoke ? `${members},"request":${message.request}` : members;
}

/** A text frame, and what it announces. */
export interface TextFrame {
  readonly json: string;
  /** Binary frames that follow. */
  readonly parts: number;
}

/** @throws IpcProtocolError if the text is not a text frame */
export function parseTextFrame(text: string, limits: IpcLimits): TextFrame {
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    checkTextLength(text.length, limits);
    throw new IpcProtocolError(1007, 'A text frame is not valid JSON.');
  }
  if (!Array.isArray(frame) || typeof frame[0] !== 'string')
    throw new IpcProtocolError(1007, 'A text frame is not a message and a number.');
  const [json, parts] = frame as [string, unknown];
  if (!isCount(parts)) throw new IpcProtocolError(1007, 'A text frame announces no number of binary frames.');
  if (parts > limits.parts)
    throw new IpcProtocolError(1008, `A message of more than ${limits.parts} binary frames.`);
  return { json, parts };
}

/** A message, and its place in the order. */
export interface NumberedMessage {
  readonly sequence: number;
  readonly message: IpcMessage;
}

/**
 * Reads a message whose binary frames have all arrived.
 *
 * @throws IpcProtocolError if the text is not a message, or its values cannot be accepted
 */
export function parseMessage(json: string, parts: readonly Uint8Array[], limits: IpcLimits): NumberedMessage {
  if (exceedsLimits(json, limits)) return refuseCall(json, limits);
  const value = parseText(json, limits.depth);
  if (typeof value !== 'object' || value === null) throw malformed('is no object');
  // The parser makes objects without inherited members: the look-ups below find only what was sent.
  const { type, channel, method, request, response, sequence } = value as Record<string, unknown>;
  if (!isCount(sequence)) throw malformed('has no sequence number');
  if (!isCount(type) || type > IpcMessageType.Response) return { sequence, message: ignoredMessage };
  let { data } = value as Record<string, unknown>;
  let refusal: NumberedError | undefined;
  try {
    if (needsParts(json, parts)) data = reviveParts(data, [...parts]);
  } catch (error) {
    if (!(error instanceof NumberedError)) throw error;
    refusal = error;
    data = [];
  }
  const isResponse = type === IpcMessageType.Response;
  const members = {
    type,
    channel,
    method,
    request: (isResponse ? response : request) ?? 0,
    data: isResponse ? [data] : (data ?? []),
    activityId: undefined,
    timeoutMs: undefined,
    isCancellable: false,
  };
  return { sequence, message: checkMessage(members, refusal) };
}
