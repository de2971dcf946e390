import { encodeBlocks, decodeBlocks } from '../wire/byte.blocks.js';
import { isCount } from '../wire/value.codec.js';
import type { IpcLimits } from '../wire/wire.limits.js';
import { checkMessage, parseValue } from './ipc.codec.js';
import type { OutgoingMessage } from './ipc.codec.js';
import { IpcMessageType, IpcProtocolError } from './ipc.message.js';
import type { IpcMessage } from './ipc.message.js';

/** The WebSocket subprotocol of the durable wire; see docs/wire-extension.md. */
export const DURABLE_PROTOCOL = 'linnet.ipc.1';

/**
 * The subprotocol that stands for the compatible wire where the durable one is offered, and before it: a backend that
 * knows neither takes the first, as that of iTwin.js does, and one that takes none is not connected to by a browser.
 */
export const COMPATIBLE_PROTOCOL = 'itwin.ipc';

/** Messages about the connection itself; they have no number. */
export const IpcControlType = {
  /** How many messages have been received. */
  Acknowledge: 8,
  /** The first of a frontend: begins or resumes a session. */
  Hello: 9,
  /** The first of a backend: the session is there. */
  Welcome: 10,
  /** The first of a backend: the session that was to be resumed is not there. */
  Lost: 11,
  /** Asks for an acknowledgement, as a sign of life. */
  Probe: 12,
} as const;

/** A message of the durable wire as JSON text: a list that begins with its type. */
export function durableText(message: OutgoingMessage): string {
  const { type, channel, method, request, data, activityId, timeoutMs } = message;
  const value = data.json === undefined ? '' : `,${data.json}`;
  if (type === IpcMessageType.Invoke) {
    const name = `${JSON.stringify(channel)},${JSON.stringify(method)}`;
    const text = `[2,${request},${name},${data.json ?? '[]'},${JSON.stringify(activityId)}`;
    return timeoutMs ? `${text},${timeoutMs}]` : `${text}]`;
  }
  if (type === IpcMessageType.Response) return `[3,${request},${JSON.stringify(channel)}${value}]`;
  if (type === IpcMessageType.Cancel) return `[4,${request}]`;
  return `[${type},${JSON.stringify(channel)}${value}]`;
}

/**
 * The text frame of messages.
 *
 * @param first the number of the first; of those that follow, each has the next, control messages none
 */
export function durableFrame(first: number, messages: readonly string[]): string {
  return messages.length === 0 ? `[${first}]` : `[${first},${messages.join()}]`;
}

/** The binary frame of one message with typed arrays: its text frame and their memory, as aligned blocks. */
export function durableBlocks(number: number, message: string, parts: readonly Uint8Array[]): Uint8Array {
  return encodeBlocks([new TextEncoder().encode(durableFrame(number, [message])), ...parts]);
}

/** A message as it came: one of the session, or control. */
type DurableMessage =
  | { readonly kind: 'message'; readonly message: Omit<IpcMessage, 'sequence'> }
  | { readonly kind: 'control'; readonly type: number; readonly values: readonly unknown[] };

/** A frame as it came. */
export interface DurableFrame {
  /** The number of its first message, or, where it has none, of the next. */
  readonly first: number;
  readonly messages: readonly DurableMessage[];
}

/**
 * Reads a text frame.
 *
 * @throws IpcProtocolError
 */
export function parseDurableText(frame: string, limits: IpcLimits): DurableFrame {
  return frameOf(listOf(frame, [], limits));
}

/**
 * Reads a binary frame: one message with its typed arrays.
 *
 * @throws IpcProtocolError
 */
export function parseDurableBlocks(frame: Uint8Array, limits: IpcLimits): DurableFrame {
  const [json, ...parts] = decodeBlocks(frame, limits.parts + 1) ?? [];
  if (!json) throw new IpcProtocolError(1007, 'A binary frame is not made of blocks.');
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json);
  } catch {
    throw new IpcProtocolError(1007, 'The text of a binary frame is not UTF-8.');
  }
  const read = frameOf(listOf(text, parts, limits));
  if (read.messages.length !== 1) throw new IpcProtocolError(1007, 'A binary frame is not one message.');
  return read;
}

function listOf(text: string, parts: readonly Uint8Array[], limits: IpcLimits): unknown[] {
  // The frame around a message is no nesting of the message's.
  const list = parseValue(text, parts, { ...limits, depth: limits.depth + 1 });
  if (!Array.isArray(list) || !isCount(list[0]))
    throw new IpcProtocolError(1007, 'A frame is no list that begins with a number.');
  return list;
}

function frameOf([first, ...messages]: unknown[]): DurableFrame {
  return { first: first as number, messages: messages.map(readMessage) };
}

function readMessage(value: unknown): DurableMessage {
  if (!Array.isArray(value) || !isCount(value[0]))
    throw new IpcProtocolError(1007, 'A message is no list that begins with its type.');
  const [type, ...values] = value as [number, ...unknown[]];
  if (type >= IpcControlType.Acknowledge) return { kind: 'control', type, values };
  return { kind: 'message', message: checkMessage(membersOf(type, values)) };
}

function membersOf(type: number, values: unknown[]): Parameters<typeof checkMessage>[0] {
  const none = { method: undefined, activityId: undefined, timeoutMs: undefined };
  if (type === IpcMessageType.Invoke) {
    // Whoever leaves the id out has none, and his call can be cancelled all the same.
    const [request, channel, method, data, activityId = '', timeoutMs] = values;
    return { type, request, channel, method, data, activityId, timeoutMs };
  }
  if (type === IpcMessageType.Response) {
    const [request, channel, data] = values;
    return { ...none, type, request, channel, data: [data] };
  }
  if (type === IpcMessageType.Cancel) return { ...none, type, request: values[0], channel: '', data: [] };
  const [channel, data = []] = values;
  return { ...none, type, request: 0, channel, data };
}

/** What a backend says first: the session is there, or it is not. */
export type Greeting =
  | {
      readonly welcome: { sessionId: string; secret: string; graceMs: number; received: number };
      readonly lost?: undefined;
    }
  | { readonly lost: string; readonly welcome?: undefined };

/** The first frame of a frontend: begins a session, or proves that one is its own. */
export function helloFrame(
  resumption: { sessionId: string; secret: string } | undefined,
  received: number,
): string {
  const values = resumption ? [resumption.sessionId, resumption.secret, received] : [];
  return JSON.stringify([IpcControlType.Hello, ...values]);
}

/**
 * Reads the first frame of a connection on the durable wire.
 *
 * @throws IpcProtocolError for anything else
 */
export function parseHello(
  frame: string,
  limits: IpcLimits,
): { sessionId: string; secret: string; received: number } | undefined {
  const [type, sessionId, secret, received] = listOf(frame, [], limits);
  if (type !== IpcControlType.Hello) throw new IpcProtocolError(1002, 'A connection begins with a greeting.');
  if (sessionId === undefined) return undefined;
  if (typeof sessionId !== 'string' || typeof secret !== 'string' || !isCount(received))
    throw new IpcProtocolError(1002, 'A greeting that resumes no session.');
  return { sessionId, secret, received };
}

/** The first frame of a backend. */
export function greetingFrame({ welcome, lost }: Greeting): string {
  if (lost !== undefined) return JSON.stringify([IpcControlType.Lost, lost]);
  const { sessionId, secret, graceMs, received } = welcome;
  return JSON.stringify([IpcControlType.Welcome, sessionId, secret, graceMs, received]);
}

/** @throws IpcProtocolError */
export function parseGreeting(frame: string, limits: IpcLimits): Greeting {
  const [type, ...values] = listOf(frame, [], limits);
  if (type === IpcControlType.Lost) return { lost: String(values[0]) };
  const [sessionId, secret, graceMs, received] = values;
  if (
    type !== IpcControlType.Welcome ||
    typeof sessionId !== 'string' ||
    typeof secret !== 'string' ||
    !isCount(graceMs) ||
    !isCount(received)
  )
    throw new IpcProtocolError(1002, 'The backend does not greet.');
  return { welcome: { sessionId, secret, graceMs, received } };
}
