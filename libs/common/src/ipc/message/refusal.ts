import { generalError } from '../../base/numbered.error.js';
import type { NumberedError } from '../../base/numbered.error.js';
import type { IpcLimits } from '../../base/limits.js';
import { checkMessage } from './message.check.js';
import { IpcMessageType, IpcProtocolError } from './message.js';
import type { IpcMessage } from './message.js';

/** A message of the durable wire whose value is refused. */
export class RefusedMessage {
  /** @param head the message as a list, without its value */
  constructor(
    readonly head: readonly unknown[],
    readonly error: NumberedError,
  ) {}
}

/**
 * Refuses the value of a message.
 *
 * @throws IpcProtocolError if the value is not a message
 */
export function refuseMessage(message: unknown, error: NumberedError): unknown {
  if (!Array.isArray(message)) throw new IpcProtocolError(1007, error.message);
  const [type, request, channel] = message as unknown[];
  if (type === IpcMessageType.Invoke) return new RefusedMessage([type, request, channel, '', []], error);
  // A call and a stream are named by two members, a channel by one.
  return new RefusedMessage(message.slice(0, (type as number) >= IpcMessageType.Response ? 3 : 2), error);
}

/** Characters of a text that is parsed without a scan. */
const SHORT_TEXT = 5 * 1024 * 1024;
/** Characters of the limit for each list or object of a text. Parsed, one takes about fifty bytes. */
const LIST_LENGTH = 16;
/** Characters that contain the head of a message, and its tail. */
const HEAD_LENGTH = 8192;
const TAIL_LENGTH = 64;

/** Most characters of the JSON text of one message. */
function mostText({ textLength, messageBytes }: IpcLimits): number {
  return Math.min(textLength, messageBytes);
}

/**
 * Checks the length of a frame before it is read. Escapes can double the length of a text.
 *
 * @throws IpcProtocolError
 */
export function checkFrameLength(length: number, limits: IpcLimits): void {
  if (length > 2 * mostText(limits) + 1024) throw tooLong(limits);
}

/** @throws IpcProtocolError if a text is longer than that of a message may be */
export function checkTextLength(length: number, limits: IpcLimits): void {
  if (length > mostText(limits)) throw tooLong(limits);
}

/** Whether a text is too long, or has too many lists and objects, for one message. */
export function exceedsLimits(json: string, limits: IpcLimits): boolean {
  const most = mostText(limits);
  if (json.length > most) return true;
  return json.length > SHORT_TEXT && scanItems(json, () => undefined) > most / LIST_LENGTH;
}

/**
 * Parses the text of a frame of the durable wire.
 *
 * @param parse parses JSON text
 * @returns the frame; a message that is too long is refused in it
 * @throws IpcProtocolError if the refused message is not a call, an answer, or an item of a stream
 */
export function parseFrame(text: string, limits: IpcLimits, parse: (json: string) => unknown): unknown {
  const most = mostText(limits);
  if (text.length <= Math.min(most, SHORT_TEXT)) return parse(text);
  const list: unknown[] = [];
  let lists = 0;
  if (!text.startsWith('[') || !text.endsWith(']')) throw new IpcProtocolError(1007, 'A frame is no list.');
  scanItems(text, (from, to, inItem) => {
    const json = text.slice(from, to);
    lists += inItem;
    list.push(to - from > most || lists > most / LIST_LENGTH ? refuseText(json, limits) : parse(json));
  });
  return list;
}

/**
 * Refuses the message of a binary frame that has too many bytes, without reading its values.
 *
 * @param text the text of the frame
 * @throws IpcProtocolError if it is not a call, an answer, or an item of a stream
 */
export function refuseBinary(text: string, limits: IpcLimits): unknown[] {
  const match = /^\[(\d{1,16}),(\[[^]*\])\]$/.exec(text);
  if (!match) throw tooManyBytes(limits).violation;
  return [Number(match[1]), refuseText(match[2]!, limits, tooManyBytes(limits))];
}

/** @throws IpcProtocolError if the text is not that of a call, an answer, or an item of a stream */
function refuseText(json: string, limits: IpcLimits, reasons = tooMuchText(limits)): RefusedMessage {
  const item = /^\[([56]),(\d{1,16}),(\d{1,16}),/.exec(json.slice(0, TAIL_LENGTH));
  if (item) return new RefusedMessage(item.slice(1).map(Number), reasons.error);
  const match = /^\[([23]),(\d{1,16}),("(?:[^"\\]|\\.)*"),/.exec(json.slice(0, HEAD_LENGTH));
  if (!match) throw reasons.violation;
  const head = [Number(match[1]), Number(match[2]), JSON.parse(match[3]!) as unknown];
  return refuseMessage(head, reasons.error) as RefusedMessage;
}

/**
 * Reads the call, or the answer, that a message of the compatible wire is, without parsing its values.
 *
 * @param reasons why they are refused
 * @returns the message with the reason why its values are refused
 * @throws IpcProtocolError if it is neither, or is not written as iTwin.js writes it
 */
export function refuseCall(
  json: string,
  limits: IpcLimits,
  reasons = tooMuchText(limits),
): { sequence: number; message: IpcMessage } {
  const head = /^\{"type":([23]),"channel":("(?:[^"\\]|\\.)*"),"(?:method|response":(\d{1,16}),)/.exec(
    json.slice(0, HEAD_LENGTH),
  );
  const tail = /(?:,"request":(\d{1,16}))?,"sequence":(\d{1,16})\}$/.exec(json.slice(-TAIL_LENGTH));
  const request = head?.[3] ?? tail?.[1];
  if (!head || !tail || request === undefined) throw reasons.violation;
  const members = {
    type: Number(head[1]),
    channel: JSON.parse(head[2]!) as string,
    method: undefined,
    request: Number(request),
    data: [],
    activityId: undefined,
    timeoutMs: undefined,
    isCancellable: false,
  };
  return { sequence: Number(tail[2]), message: checkMessage(members, reasons.error) };
}

/** Why the values of a message are refused: its caller gets the error, and a message without a caller ends the session. */
interface Reasons {
  readonly error: NumberedError;
  readonly violation: IpcProtocolError;
}

function tooMuchText(limits: IpcLimits): Reasons {
  const error = generalError(`The message is larger than ${mostText(limits)} characters of text may be.`);
  return { error, violation: tooLong(limits) };
}

/** The reasons to refuse a message that has too many bytes. */
export function tooManyBytes({ messageBytes }: IpcLimits): Reasons {
  return {
    error: generalError(`The message is larger than ${messageBytes} bytes.`),
    violation: new IpcProtocolError(1009, `A message of more than ${messageBytes} bytes.`),
  };
}

function tooLong(limits: IpcLimits): IpcProtocolError {
  return new IpcProtocolError(1009, `A text frame of more than ${mostText(limits)} characters.`);
}

/**
 * Finds the items of a JSON list without parsing them.
 *
 * @param item called with the start and the end of each item, and the number of its lists and objects
 * @returns the number of lists and objects in the text
 */
function scanItems(text: string, item: (from: number, to: number, lists: number) => void): number {
  let depth = 0;
  let lists = 0;
  let from = 1;
  let before = 1;
  const next = (to: number) => {
    item(from, to, lists - before);
    from = to + 1;
    before = lists;
  };
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22) {
      for (i++; i < text.length && text.charCodeAt(i) !== 0x22; i++) if (text.charCodeAt(i) === 0x5c) i++;
    } else if (code === 0x5b || code === 0x7b) {
      depth++;
      lists++;
    } else if (code === 0x5d || code === 0x7d) {
      if (--depth === 0) next(i);
    } else if (code === 0x2c && depth === 1) next(i);
  }
  return lists;
}
