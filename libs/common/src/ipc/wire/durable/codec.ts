import type { NumberedError } from '../../../base/numbered.error.js';
import { traceList } from '../../../base/trace.fields.js';
import { isCount } from '../../../value/value.codec.js';
import { checkMessage, malformed } from '../../message/message.check.js';
import { IpcMessageType, IpcProtocolError } from '../../message/message.js';
import type { IpcMessage, ItemMessage, StreamEndMessage, TakenMessage } from '../../message/message.js';
import type { OutgoingItem, OutgoingMessage } from '../../message/outgoing.message.js';
import { RefusedMessage } from '../../message/refusal.js';

/** Types of messages about the connection itself. They have no number. */
export const IpcControlType = {
  /** Acknowledges all messages up to a number. */
  Acknowledge: 8,
  /** The first message from a frontend: begins or resumes a session. */
  ClientHello: 9,
  /** The first message from a backend: accepts the session. */
  ServerHello: 10,
  /** The first message from a backend: the session to resume does not exist. */
  SessionNotFound: 11,
  /** Requests an acknowledgement, as a sign of life. */
  Probe: 12,
} as const;

/** A message as a list, for platforms that clone values. */
export function messageList(message: OutgoingMessage, value: unknown): unknown[] {
  const { type, channel } = message;
  switch (type) {
    case IpcMessageType.Invoke: {
      const { request, method, activityId, timeoutMs, slots, trace } = message;
      const list = [type, request, channel, method, value, activityId];
      if (trace) return [...list, timeoutMs, slots, traceList(trace)];
      if (slots.length > 0) return [...list, timeoutMs, slots];
      return timeoutMs ? [...list, timeoutMs] : list;
    }
    case IpcMessageType.Item:
    case IpcMessageType.StreamEnd: {
      const list = [type, message.request, message.slot];
      return value === undefined ? list : [...list, value];
    }
    case IpcMessageType.Taken: {
      const { request, slot, items } = message;
      return items === undefined ? [type, request, slot] : [type, request, slot, items];
    }
    case IpcMessageType.Cancel:
      return [type, message.request];
    case IpcMessageType.Response: {
      const list = [type, message.request, channel];
      return value === undefined ? list : [...list, value];
    }
    default:
      if (message.trace) return [type, channel, value, traceList(message.trace)];
      return value === undefined ? [type, channel] : [type, channel, value];
  }
}

/** A message as a list in JSON text. @throws NumberedError if its value cannot be sent */
export function messageText(message: OutgoingMessage): string {
  const { type, channel, data } = message;
  const { json } = data.encode();
  switch (type) {
    case IpcMessageType.Invoke: {
      const { request, method, activityId, timeoutMs, slots, trace } = message;
      const name = `${JSON.stringify(channel)},${JSON.stringify(method)}`;
      const text = `[2,${request},${name},${json ?? '[]'},${JSON.stringify(activityId)}`;
      if (trace) return `${text},${timeoutMs},[${slots.join()}],${JSON.stringify(traceList(trace))}]`;
      if (slots.length > 0) return `${text},${timeoutMs},[${slots.join()}]]`;
      return timeoutMs ? `${text},${timeoutMs}]` : `${text}]`;
    }
    case IpcMessageType.Item:
    case IpcMessageType.StreamEnd:
      return itemText(message, json);
    case IpcMessageType.Taken: {
      const { request, slot, items } = message;
      return items === undefined ? `[7,${request},${slot}]` : `[7,${request},${slot},${items}]`;
    }
    case IpcMessageType.Cancel:
      return `[4,${message.request}]`;
    case IpcMessageType.Response:
      return `[3,${message.request},${JSON.stringify(channel)}${withComma(json)}]`;
    default:
      if (message.trace)
        return `[${type},${JSON.stringify(channel)},${json ?? '[]'},${JSON.stringify(traceList(message.trace))}]`;
      return `[${type},${JSON.stringify(channel)}${withComma(json)}]`;
  }
}

function withComma(json: string | undefined): string {
  return json === undefined ? '' : `,${json}`;
}

/** The beginning of the last item. Most items follow one of the same stream. */
let last = { type: 0, request: -1, slot: -1, head: '' };

function itemText({ type, request, slot }: OutgoingItem, json: string | undefined): string {
  if (last.request !== request || last.slot !== slot || last.type !== type)
    last = { type, request, slot, head: `[${type},${request},${slot}` };
  return json === undefined ? `${last.head}]` : `${last.head},${json}]`;
}

/** A received message: one of the session, or a control message. */
export type DurableMessage =
  | { readonly kind: 'message'; readonly message: IpcMessage }
  | { readonly kind: 'control'; readonly type: number; readonly values: readonly unknown[] };

/** The number of the first message of a frame; of the next message if the frame has none. @throws IpcProtocolError */
export function readFirst([first]: readonly unknown[]): number {
  if (!isCount(first)) throw new IpcProtocolError(1007, 'A frame does not begin with a number.');
  return first;
}

/** Reads a message of a frame. @throws IpcProtocolError */
export function readMessage(value: unknown): DurableMessage {
  return value instanceof RefusedMessage ? readList(value.head, value.error) : readList(value);
}

function readList(value: unknown, refusal?: NumberedError): DurableMessage {
  if (!Array.isArray(value) || !isCount(value[0]))
    throw new IpcProtocolError(1007, 'A message is no list that begins with its type.');
  const [type, ...values] = value as [number, ...unknown[]];
  if (type >= IpcControlType.Acknowledge) return { kind: 'control', type, values };
  if (type > IpcMessageType.Cancel)
    return { kind: 'message', message: streamMessage(type as StreamMessageType, values, refusal) };
  return { kind: 'message', message: checkMessage(membersOf(type, values), refusal) };
}

/** The types between a cancellation and the control messages. */
type StreamMessageType = (ItemMessage | StreamEndMessage | TakenMessage)['type'];

/** Reads a message about a stream. @throws IpcProtocolError if it names no stream */
function streamMessage(
  type: StreamMessageType,
  values: readonly unknown[],
  refusal: NumberedError | undefined,
): IpcMessage {
  const [request, slot, value] = values;
  if (!isCount(request) || !isCount(slot)) throw malformed('names no stream');
  if (type !== IpcMessageType.Taken) {
    // One absent item has no value.
    const isAbsent = type === IpcMessageType.Item && values.length === 2;
    return { type, request, slot, data: isAbsent ? [undefined] : values.slice(2), refusal };
  }
  if (value !== undefined && !isCount(value)) throw malformed('has taken a number of items that is none');
  return { type, request, slot, items: value };
}

function membersOf(type: number, values: unknown[]): Parameters<typeof checkMessage>[0] {
  const none = { method: undefined, activityId: undefined, timeoutMs: undefined, isCancellable: true };
  if (type === IpcMessageType.Invoke) {
    const [request, channel, method, data, activityId, timeoutMs, slots, trace] = values;
    return { type, request, channel, method, data, activityId, timeoutMs, isCancellable: true, slots, trace };
  }
  if (type === IpcMessageType.Response) {
    const [request, channel, data] = values;
    return { ...none, type, request, channel, data: [data] };
  }
  if (type === IpcMessageType.Cancel) return { ...none, type, request: values[0], channel: '', data: [] };
  const [channel, data = [], trace] = values;
  return { ...none, type, request: 0, channel, data, trace };
}
