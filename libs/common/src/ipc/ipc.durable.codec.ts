import { encodeBlocks, decodeBlocks } from '../wire/byte.blocks.js';
import { isCount } from '../wire/value.codec.js';
import type { IpcLimits } from '../wire/wire.limits.js';
import { checkMessage, parseValue } from './ipc.codec.js';
import type { OutgoingMessage } from './ipc.codec.js';
import { IpcMessageType, IpcProtocolError } from './ipc.message.js';
import type { IpcMessage } from './ipc.message.js';

/** The WebSocket subprotocol of the durable wire; see docs/wire-extension.md. */
export const DURABLE_PROTOCOL = 'linnet.ipc.1';

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
} as const;

/** A message of the durable wire as JSON text. Ordinary ones are lists that begin with their type. */
export function durableText({ type, channel, method, request, data, activityId }: OutgoingMessage): string {
  const value = data.json === undefined ? '' : `,${data.json}`;
  if (type === IpcMessageType.Invoke)
    return `[2,${request},${JSON.stringify(channel)},${JSON.stringify(method)},${data.json ?? '[]'},${JSON.stringify(activityId)}]`;
  if (type === IpcMessageType.Response) return `[3,${request},${JSON.stringify(channel)}${value}]`;
  if (type === IpcMessageType.Cancel) return `[4,${request}]`;
  return `[${type},${JSON.stringify(channel)}${value}]`;
}

/** The binary frame of a message with typed arrays: its text and their memory, each block aligned to 8 bytes. */
export function durableFrame(text: string, parts: readonly Uint8Array[]): Uint8Array {
  return encodeBlocks([new TextEncoder().encode(text), ...parts]);
}

/** A message as it came: one of the session, or control. */
export type DurableMessage =
  | { readonly kind: 'message'; readonly message: Omit<IpcMessage, 'sequence'> }
  | { readonly kind: 'control'; readonly type: number; readonly values: readonly unknown[] };

/**
 * Reads a text frame: a list of messages.
 *
 * @throws IpcProtocolError
 */
export function parseDurableText(frame: string, limits: IpcLimits): DurableMessage[] {
  // The list around the messages is no nesting of theirs.
  const list = parseValue(frame, [], { ...limits, depth: limits.depth + 2 });
  if (!Array.isArray(list)) throw new IpcProtocolError(1007, 'A text frame is no list of messages.');
  return list.map(readMessage);
}

/**
 * Reads a binary frame: one message with its typed arrays.
 *
 * @throws IpcProtocolError
 */
export function parseDurableFrame(frame: Uint8Array, limits: IpcLimits): DurableMessage {
  const blocks = decodeBlocks(frame, limits.parts + 1);
  const [json, ...parts] = blocks ?? [];
  if (!json) throw new IpcProtocolError(1007, 'A binary frame is not made of blocks.');
  const text = new TextDecoder().decode(json);
  return readMessage(parseValue(text, parts, { ...limits, depth: limits.depth + 1 }));
}

function readMessage(value: unknown): DurableMessage {
  if (!Array.isArray(value) || !isCount(value[0]))
    throw new IpcProtocolError(1007, 'A message is no list that begins with its type.');
  const [type, ...values] = value as [number, ...unknown[]];
  if (type >= IpcControlType.Acknowledge) return { kind: 'control', type, values };
  return { kind: 'message', message: checkMessage(membersOf(type, values)) };
}

function membersOf(type: number, values: unknown[]): Parameters<typeof checkMessage>[0] {
  const none = { method: undefined, activityId: undefined };
  if (type === IpcMessageType.Invoke) {
    const [request, channel, method, data, activityId] = values;
    return { type, request, channel, method, data, activityId };
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
  received: number | undefined,
): string {
  const values = resumption ? [resumption.sessionId, resumption.secret, received ?? 0] : [];
  return JSON.stringify([[IpcControlType.Hello, ...values]]);
}

/** @throws IpcProtocolError */
export function parseHello(
  frame: string,
  limits: IpcLimits,
): { sessionId: string; secret: string; received: number } | undefined {
  const [sessionId, secret, received] = controlOf(frame, IpcControlType.Hello, limits).values;
  if (sessionId === undefined) return undefined;
  if (typeof sessionId !== 'string' || typeof secret !== 'string' || !isCount(received))
    throw new IpcProtocolError(1002, 'A greeting that resumes no session.');
  return { sessionId, secret, received };
}

/** The first frame of a backend. */
export function greetingFrame({ welcome, lost }: Greeting): string {
  if (lost !== undefined) return JSON.stringify([[IpcControlType.Lost, lost]]);
  const { sessionId, secret, graceMs, received } = welcome;
  return JSON.stringify([[IpcControlType.Welcome, sessionId, secret, graceMs, received]]);
}

/** @throws IpcProtocolError */
export function parseGreeting(frame: string, limits: IpcLimits): Greeting {
  const { type, values } = controlOf(frame, undefined, limits);
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

function controlOf(
  frame: string,
  type: number | undefined,
  limits: IpcLimits,
): DurableMessage & { kind: 'control' } {
  const [first, ...more] = parseDurableText(frame, limits);
  if (first?.kind !== 'control' || more.length > 0 || (type !== undefined && first.type !== type))
    throw new IpcProtocolError(1002, 'A connection begins with a greeting.');
  return first;
}
