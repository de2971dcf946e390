import { NumberedError } from '../../../base/numbered.error.js';
import { isCount } from '../../../value/value.codec.js';
import type { IpcLimits } from '../../../base/limits.js';
import { ignoredMessage, IpcMessageType, IpcProtocolError } from '../../message/message.js';
import type { IpcMessage } from '../../message/message.js';
import type { OutgoingMessage } from '../../message/outgoing.message.js';
import { checkMessage, malformed } from '../../message/message.check.js';
import { checkTextLength, isTooMuch, refuseCall } from '../../message/refusal.js';
import { needsParts, parseText, reviveParts } from '../../message/value.codec.js';

/**
 * The text frame of a message, with the members in the order in which the reference writes them.
 *
 * @throws NumberedError for a value that cannot be sent
 */
export function textFrame(message: OutgoingMessage, sequence: number): string {
  message.text ??= JSON.stringify(`{${membersOf(message)},"sequence":`).slice(1, -1);
  return `["${message.text}${sequence}}",${message.data.encode().parts.length}]`;
}

function membersOf({ type, channel, method, request, data }: OutgoingMessage): string {
  const { json } = data.encode();
  const isInvoke = type === IpcMessageType.Invoke;
  let members = `"type":${type},"channel":${JSON.stringify(channel)}`;
  if (isInvoke) members += `,"method":${JSON.stringify(method)}`;
  else if (type === IpcMessageType.Response) members += `,"response":${request}`;
  if (json !== undefined) members += `,"data":${json}`;
  return isInvoke ? `${members},"request":${request}` : members;
}

/** What a text frame announces. */
export interface TextFrame {
  readonly json: string;
  /** Binary frames that follow. */
  readonly parts: number;
}

/** @throws IpcProtocolError for what is no text frame */
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

/**
 * Reads a message whose parts are all there.
 *
 * @throws IpcProtocolError for what is no message, and for values that cannot be taken
 */
export function parseMessage(json: string, parts: readonly Uint8Array[], limits: IpcLimits): IpcMessage {
  if (isTooMuch(json, limits)) return { ...ignoredMessage, ...refuseCall(json, limits) };
  const value = parseText(json, limits.depth);
  if (typeof value !== 'object' || value === null) throw malformed('is no object');
  // What the parser made has no members but its own, and the look-ups below find nothing inherited.
  const { type, channel, method, request, response, sequence } = value as Record<string, unknown>;
  if (!isCount(sequence)) throw malformed('has no sequence number');
  if (!isCount(type) || type > IpcMessageType.Response) return { ...ignoredMessage, sequence };
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
  const message = {
    type,
    channel,
    method,
    request: (isResponse ? response : request) ?? 0,
    data: isResponse ? [data] : (data ?? []),
    activityId: undefined,
    timeoutMs: undefined,
  };
  return { ...checkMessage(message), sequence, refusal };
}
