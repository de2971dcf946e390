import { generalError, NumberedError } from '../../base/numbered.error.js';
import type { ErrorExposure } from '../../error/error.members.js';
import { checkDepth, isCount, reviveValue, stringifyValue } from '../../value/value.codec.js';
import { DEPTH, PARTS } from '../../base/limits.js';
import { IpcProtocolError } from './message.js';

/** A kind of typed array that crosses IPC. */
interface ArrayKind {
  readonly name: string;
  /** Absent for a `DataView`. */
  readonly BYTES_PER_ELEMENT?: number;
  new (memory: ArrayBuffer, offset: number, length: number): ArrayBufferView;
}

/** By type code (docs/wire.md#31-frames). A Node `Buffer` is a `Uint8Array`. */
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
/** By `Symbol.toStringTag`, which names the kind of an array of any realm. */
const codes = new Map<string, number>(kinds.map(({ name }, code) => [name, code]));

/** Whether IPC has a code for the kind of a typed array; arrays of BigInts have none. */
export function isCarried(view: ArrayBufferView): object | undefined {
  return codes.has((view as Uint8Array)[Symbol.toStringTag]) ? view : undefined;
}

/** @throws NumberedError if the array holds BigInts */
function codeOf(view: ArrayBufferView): number {
  const code = codes.get((view as Uint8Array)[Symbol.toStringTag]);
  if (code === undefined)
    throw generalError('The value cannot be sent: it has an array of BigInts or the like.');
  return code;
}

/**
 * The same array over other memory.
 *
 * @throws NumberedError if the array holds BigInts
 */
export function arrayOver(view: ArrayBufferView, memory: ArrayBuffer): ArrayBufferView {
  const kind = kinds[codeOf(view)]!;
  return new kind(memory, 0, memory.byteLength / (kind.BYTES_PER_ELEMENT ?? 1));
}

/** An encoded value: JSON text (`undefined` for an absent value), and the memory of its typed arrays. */
export interface EncodedIpcValue {
  json: string | undefined;
  parts: readonly Uint8Array[];
}

const noParts: readonly Uint8Array[] = [];

/** The deepest nesting of a sent value. With the message and the envelope around it a peer accepts it by default. */
export const SENT_DEPTH = DEPTH - 2;

/**
 * Writes a value as JSON text and binary parts. The parts are the memory of the arrays, not copies.
 *
 * @param exposure how much of errors in the value the peer sees
 * @throws NumberedError if the value has a cycle, a BigInt, an array of them, more typed arrays than a receiver accepts by default,
 * or an object that would end the session of its receiver
 */
export function encodeIpcValue(value: unknown, exposure?: ErrorExposure): EncodedIpcValue {
  // As it is for the pieces of a stream of bytes.
  if (ArrayBuffer.isView(value) && isCarried(value))
    return { json: `{"ipc":"binary","type":${codeOf(value)},"index":0}`, parts: [bytesOf(value)] };
  let parts: Uint8Array[] | undefined;
  const json = stringifyValue(
    value,
    (view) => {
      if (!isCarried(view)) return undefined;
      const type = codeOf(view);
      parts ??= [];
      const index = parts.push(bytesOf(view)) - 1;
      return { ipc: 'binary', type, index };
    },
    SENT_DEPTH,
    exposure,
  );
  if (json !== undefined) checkMembers(json, parts?.length ?? 0);
  if (parts && parts.length > PARTS)
    throw generalError(`The value cannot be sent: it has more than ${PARTS} typed arrays.`);
  return { json, parts: parts ?? noParts };
}

/** The memory of an array, as a view. */
export function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}

// As `JSON.stringify` writes it; in a text its quotes are escaped.
const MARKER = '"ipc":"binary"';
const PROTOTYPE = '"__proto__":';

/**
 * Refuses an object of the application that looks like a marker: it would become an array, or break the connection of an
 * iTwin.js frontend. Peers of Linnet accept no prototype either. Otherwise an attacker who can store such an object could
 * end the sessions of all its readers.
 */
function checkMembers(json: string, expected: number): void {
  if (json.includes(PROTOTYPE))
    throw generalError('The value cannot be sent: a member may not be named "__proto__".');
  let found = 0;
  for (let at = json.indexOf(MARKER); at >= 0; at = json.indexOf(MARKER, at + MARKER.length)) found++;
  if (found > expected) throw markerError();
}

/** The error for an object that looks like a marker, on every wire. */
export function markerError(): NumberedError {
  return generalError(
    `The value cannot be sent: an object with the member ${MARKER} would be taken for a typed array.`,
  );
}

/** Reads JSON text. @throws IpcProtocolError if the text is not JSON, or is nested too deeply */
export function parseText(json: string, depth: number): unknown {
  try {
    checkDepth(json, depth);
    return JSON.parse(json);
  } catch (error) {
    throw new IpcProtocolError(
      1007,
      error instanceof NumberedError ? error.message : 'A message is not valid JSON.',
    );
  }
}

/** Whether a value of JSON text needs {@link reviveParts}. */
export function needsParts(json: string, parts: readonly Uint8Array[]): boolean {
  // Without parts an object that looks like a marker is an object.
  return parts.length > 0 || mayHoldPrototype(json);
}

/**
 * Replaces markers by their arrays.
 *
 * @param parts the memory of the arrays; each may move in memory
 * @throws NumberedError if a member is named `__proto__`; IpcProtocolError if a marker is invalid
 */
export function reviveParts(value: unknown, parts: Uint8Array[]): unknown {
  if (parts.length === 0) return reviveValue(value, () => undefined);
  return reviveValue(value, (record) =>
    Object.hasOwn(record, 'ipc') && record['ipc'] === 'binary' ? arrayOf(record, parts) : undefined,
  );
}

/** A walk is paid on every member. The name can hide behind escapes only where there is a backslash-u. */
function mayHoldPrototype(json: string): boolean {
  return json.includes('__proto__') || json.includes('\\u');
}

/** Parts below this size are copied: a few bytes would keep the whole chunk alive that they arrived in. */
const LARGE_PART = 4096;

/** The array that a marker stands for. Arrays of the same part share its memory. */
function arrayOf(marker: Record<string, unknown>, parts: Uint8Array[]): ArrayBufferView {
  const { type, index } = marker;
  const kind = isCount(type) ? kinds[type] : undefined;
  const part = isCount(index) ? parts[index] : undefined;
  if (!kind || !part)
    throw new IpcProtocolError(1007, 'A message refers to a binary frame that is not there.');
  const { BYTES_PER_ELEMENT: size = 1 } = kind;
  if (part.byteLength % size !== 0)
    throw new IpcProtocolError(1007, `A binary frame of ${part.byteLength} bytes is no ${kind.name}.`);
  const isShared = part.byteLength < LARGE_PART && part.byteLength < part.buffer.byteLength;
  const memory = isShared || part.byteOffset % size !== 0 ? new Uint8Array(part) : part;
  parts[index as number] = memory;
  return new kind(memory.buffer as ArrayBuffer, memory.byteOffset, memory.byteLength / size);
}
