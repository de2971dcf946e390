import { generalError, NumberedError } from '../call/numbered.error.js';
import { checkDepth, isCount, reviveValue, stringifyValue } from '../wire/value.codec.js';
import type { IpcLimits } from '../wire/wire.limits.js';
import { IpcMessageType, IpcProtocolError } from './ipc.message.js';
import type { IpcMessage } from './ipc.message.js';

interface ArrayKind {
  readonly name: string;
  /** Absent for a `DataView`. */
  readonly BYTES_PER_ELEMENT?: number;
  new (memory: ArrayBuffer, offset: number, length: number): ArrayBufferView;
}

/** By type code (WIRE 3.1). A Node `Buffer` is a `Uint8Array`. */
const kinds: readonly ArrayKind[] = [
  Uint8Array,
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  DataView,
];
/** By `Symbol.toStringTag`, which tells the kind of an array of any realm. */
const codes = new Map<string, number>(kinds.map(({ name }, code) => [name, code]));

/** A value on its way: JSON text (`undefined` for an absent value), and the memory of its typed arrays. */
export interface EncodedIpcValue {
  json: string | undefined;
  parts: readonly Uint8Array[];
}

const noParts: readonly Uint8Array[] = [];

/**
 * Writes a value as JSON text and binary parts. The parts are the arrays' own memory, not copies.
 *
 * @throws NumberedError for a cycle, a BigInt or an array of them, and for an object that looks like a typed array
 */
export function encodeIpcValue(value: unknown): EncodedIpcValue {
  let parts: Uint8Array[] | undefined;
  const json = stringifyValue(value, (view) => {
    const type = codes.get((view as Uint8Array)[Symbol.toStringTag]);
    if (type === undefined) throw generalError('The value cannot be sent: it has an array of BigInts.');
    parts ??= [];
    const index = parts.push(new Uint8Array(view.buffer, view.byteOffset, view.byteLength)) - 1;
    return { ipc: 'binary', type, index };
  });
  checkMarkers(json, parts?.length ?? 0);
  return { json, parts: parts ?? noParts };
}

// As `JSON.stringify` writes it; in a text its quotes are escaped.
const MARKER = '"ipc":"binary"';

/**
 * An object of the application's that looks like a marker would be made an array of, or break the connection: a
 * frontend of iTwin.js does not get over one. Who could store it somewhere could do that to whoever reads it.
 */
function checkMarkers(json: string | undefined, expected: number): void {
  if (json === undefined) return;
  let found = 0;
  for (let at = json.indexOf(MARKER); at >= 0; at = json.indexOf(MARKER, at + MARKER.length)) found++;
  if (found > expected)
    throw generalError(
      `The value cannot be sent: an object with the member ${MARKER} would be taken for a typed array.`,
    );
}

/** A message that lacks nothing but its number, so that it can be sent to several peers, by any wire. */
export interface OutgoingMessage {
  readonly type: number;
  readonly channel: string;
  /** Of an Invoke. */
  readonly method?: string;
  /** Of an Invoke: its number. Of a Response: the number of the call that it answers. */
  readonly request?: number;
  /** The data as JSON text, and the memory of its typed arrays. */
  readonly data: EncodedIpcValue;
  /** Of an Invoke, on the wire that carries it. */
  readonly activityId?: string;
  /** Of an Invoke, on the wire that carries it: how long its answer is waited for; 0 or none: for ever. */
  readonly timeoutMs?: number;
  /** The text of the compatible wire up to the number, once it was made. */
  text?: string;
}

/**
 * Makes a message of the backend's without an answer.
 *
 * @throws NumberedError for a value that cannot be sent
 */
export function preparePush(channel: string, data: unknown[]): OutgoingMessage {
  return { type: IpcMessageType.Push, channel, data: encodeIpcValue(data) };
}

/** @throws NumberedError for a value that cannot be sent */
export function prepareSend(channel: string, data: unknown[]): OutgoingMessage {
  return { type: IpcMessageType.Send, channel, data: encodeIpcValue(data) };
}

/** @throws NumberedError for a value that cannot be sent */
export function prepareInvoke(
  channel: string,
  method: string,
  request: number,
  data: unknown[],
  { activityId, timeoutMs }: { activityId: string; timeoutMs: number },
): OutgoingMessage {
  const type = IpcMessageType.Invoke;
  return { type, channel, method, request, data: encodeIpcValue(data), activityId, timeoutMs };
}

/**
 * @param envelope the member that holds the value, where the channel has an envelope
 * @throws NumberedError for a value that cannot be sent
 */
export function prepareResponse(
  channel: string,
  request: number,
  value: unknown,
  envelope?: 'result' | 'error',
): OutgoingMessage {
  const data = encodeIpcValue(value);
  const { json, parts } = data;
  const wrapped = envelope && { json: json === undefined ? '{}' : `{"${envelope}":${json}}`, parts };
  return { type: IpcMessageType.Response, channel, request, data: wrapped ?? data };
}

/** The text frame of a message, with the members in the order in which the reference writes them. */
export function textFrame(message: OutgoingMessage, sequence: number): string {
  message.text ??= JSON.stringify(`{${membersOf(message)},"sequence":`).slice(1, -1);
  return `["${message.text}${sequence}}",${message.data.parts.length}]`;
}

function membersOf({ type, channel, method, request, data: { json } }: OutgoingMessage): string {
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
 * Reads JSON text whose binary parts are all there.
 *
 * @throws IpcProtocolError for text that is none, and for values that cannot be taken
 */
export function parseValue(json: string, parts: readonly Uint8Array[], limits: IpcLimits): unknown {
  try {
    checkDepth(json, limits.depth);
    const value: unknown = JSON.parse(json);
    // Without parts an object that looks like a marker is an object.
    if (parts.length === 0) return mayHoldPrototype(json) ? reviveValue(value, () => undefined) : value;
    const rest: (Uint8Array | undefined)[] = [...parts];
    return reviveValue(value, (record) =>
      Object.hasOwn(record, 'ipc') && record['ipc'] === 'binary' ? arrayOf(record, rest) : undefined,
    );
  } catch (error) {
    if (error instanceof NumberedError) throw new IpcProtocolError(1007, error.message);
    throw error instanceof IpcProtocolError
      ? error
      : new IpcProtocolError(1007, 'A message is not valid JSON.');
  }
}

/**
 * Reads a message whose parts are all there.
 *
 * @throws IpcProtocolError for what is no message, and for values that cannot be taken
 */
export function parseMessage(json: string, parts: readonly Uint8Array[], limits: IpcLimits): IpcMessage {
  const value = parseValue(json, parts, limits);
  if (typeof value !== 'object' || value === null) throw malformed('is no object');
  // What the parser made has no members but its own, and the look-ups below find nothing inherited.
  const { type, channel, method, request, response, data, sequence } = value as Record<string, unknown>;
  if (!isCount(sequence)) throw malformed('has no sequence number');
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
  return { ...checkMessage(message), sequence };
}

/** @throws IpcProtocolError for a message whose members are not what they should be */
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

/** A walk is paid on every member. The name can hide behind escapes only where there is a backslash-u. */
function mayHoldPrototype(json: string): boolean {
  return json.includes('__proto__') || json.includes('\\u');
}

function malformed(what: string): IpcProtocolError {
  return new IpcProtocolError(1002, `A message ${what}.`);
}

/** Parts below this size are copied: a few bytes would keep the whole chunk alive that they arrived in. */
const LARGE_PART = 4096;

/** The array that a marker stands for; each part is for one marker. */
function arrayOf(marker: Record<string, unknown>, parts: (Uint8Array | undefined)[]): ArrayBufferView {
  const { type, index } = marker;
  const kind = isCount(type) ? kinds[type] : undefined;
  const part = isCount(index) ? parts[index] : undefined;
  if (!kind || !part)
    throw new IpcProtocolError(1007, 'A message refers to a binary frame that is not there.');
  parts[index as number] = undefined;
  const { BYTES_PER_ELEMENT: size = 1 } = kind;
  if (part.byteLength % size !== 0)
    throw new IpcProtocolError(1007, `A binary frame of ${part.byteLength} bytes is no ${kind.name}.`);
  const isShared = part.byteLength < LARGE_PART && part.byteLength < part.buffer.byteLength;
  const memory = isShared || part.byteOffset % size !== 0 ? new Uint8Array(part) : part;
  return new kind(memory.buffer as ArrayBuffer, memory.byteOffset, memory.byteLength / size);
}
