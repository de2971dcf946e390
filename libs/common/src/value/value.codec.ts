import { generalError } from '../base/numbered.error.js';
import { concatBytes, isBytes } from '../bytes/bytes.js';
import { encodeErrorValue } from '../error/error.members.js';
import type { ErrorExposure } from '../error/error.members.js';
import { describeUnsendable } from './value.inspector.js';
import { isMemory, uncarriedKind } from './value.kinds.js';

/**
 * A value on the wire (docs/wire.md#11-marshalling): JSON text, empty for an absent value, and the byte strings that it
 * refers to.
 */
export interface EncodedValue {
  objects: string;
  data: readonly Uint8Array[];
}

interface BinaryMarker {
  isBinary: true;
  index: number;
  size: number;
  chunks: number;
}

const noData: readonly Uint8Array[] = [];

/**
 * Writes a value as JSON text and byte strings. Functions and symbols are dropped, a Date becomes text, NaN becomes
 * null, as in JSON.
 *
 * @param exposure which errors in the value are visible
 * @throws NumberedError if the value has a cycle, a BigInt, a value without a JSON form (stream, map, blob, other typed
 * arrays), or deeper nesting than the engine can write; the message has the path
 */
export function encodeValue(value: unknown, exposure?: ErrorExposure): EncodedValue {
  let data: Uint8Array[] | undefined;
  const mark = (view: ArrayBufferView) => {
    if (!isBytes(view)) return undefined;
    data ??= [];
    const index = data.push(view) - 1;
    return { isBinary: true, index, size: view.byteLength, chunks: 1 } satisfies BinaryMarker;
  };
  const objects = stringifyValue(value, mark, undefined, exposure);
  return { objects: objects ?? '', data: data ?? noData };
}

/**
 * Writes a value as JSON text, `undefined` for an absent one.
 *
 * @param mark returns the replacement for a typed array; without it a typed array is refused
 * @param maxDepth the accepted nesting of lists and objects; default: the most that the engine writes
 * @param exposure which errors in the value are visible
 * @throws NumberedError as {@link encodeValue}, and if the nesting is deeper than `maxDepth`
 */
export function stringifyValue(
  value: unknown,
  mark: (view: ArrayBufferView) => object | undefined,
  maxDepth?: number,
  exposure?: ErrorExposure,
): string | undefined {
  if (value === undefined) return undefined;
  try {
    // A replacer costs time on every key, so it is used only if the value has something to replace.
    if (!needsReplacer(value, maxDepth ?? MAX_WALK_DEPTH)) return JSON.stringify(value);
    const json = JSON.stringify(value, function (this: Record<string, unknown>, key: string, item: unknown) {
      // The holder has the value before `toJSON` changes it. A Buffer has a `toJSON`.
      const raw = this[key];
      if (typeof item !== 'object' || item === null) return item;
      const view = ArrayBuffer.isView(raw) ? raw : isMemory(item) ? new Uint8Array(item) : undefined;
      if (view) return mark(view) ?? refuse(view[Symbol.toStringTag as never]);
      if (item instanceof Error) return encodeErrorValue(item, exposure);
      const kind = uncarriedKind(item);
      return kind === undefined ? item : refuse(kind);
    }) as string | undefined;
    if (json !== undefined && maxDepth !== undefined) checkDepth(json, maxDepth);
    return json;
  } catch (error) {
    // The walk ran out of stack, or the text became too long. Code of the value threw any other error.
    const tooMuch = error instanceof RangeError ? `The value cannot be sent: ${error.message}.` : undefined;
    const reason = unsendable(value, mark) ?? tooMuch;
    if (reason === undefined) throw error;
    throw generalError(reason);
  }
}

/** Searches the path only now, when the call has failed. */
function refuse(kind: string): never {
  throw generalError(`The value cannot be sent: it has a ${kind}.`);
}

function unsendable(
  value: unknown,
  carries: (view: ArrayBufferView) => object | undefined,
): string | undefined {
  try {
    return describeUnsendable(value, carries);
  } catch {
    // A getter throws. The first error is more useful.
    return undefined;
  }
}

/** Deeper than any value that `JSON.stringify` writes. It also ends the walk of a cycle. */
const MAX_WALK_DEPTH = 1000;

/**
 * Whether a value contains a typed array, an error or a kind that is not carried, or a `toJSON` that may return one. Also
 * `true` for a value that is too deep to be searched.
 */
function needsReplacer(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (depth <= 0) return true;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const item: unknown = value[i];
      if (typeof item === 'object' && item !== null && needsReplacer(item, depth - 1)) return true;
    }
    return false;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype) {
    if (ArrayBuffer.isView(value) || value instanceof Error) return true;
    if (value instanceof Date) return false;
    if (isMemory(value) || uncarriedKind(value) !== undefined) return true;
  } else if (Symbol.asyncIterator in value) return true;
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return true;
  for (const key in value) {
    const item = (value as Record<string, unknown>)[key];
    if (typeof item === 'object' && item !== null && needsReplacer(item, depth - 1)) return true;
  }
  return false;
}

/**
 * Reads a value that a peer wrote.
 *
 * @param objects JSON text; empty means absent
 * @param data the byte strings that binary markers in the text refer to
 * @param maxDepth the accepted nesting of lists and objects
 * @param stream replaces a marker of a stream; without it such a marker lacks its data
 * @throws NumberedError (32768) if the JSON is invalid, a marker lacks its data or has another size than its data, the
 * nesting is too deep, or a member is named `__proto__`
 */
export function decodeValue(
  objects: string,
  data: readonly Uint8Array[],
  maxDepth: number,
  stream?: () => object,
): unknown {
  if (objects === '') return undefined;
  checkDepth(objects, maxDepth);
  const value = parseJson(objects);
  // A reviver costs time on every key. Only a backslash-u can hide these words.
  const escaped = objects.includes('\\u');
  if (escaped || data.length > 0 || objects.includes('isBinary') || objects.includes('__proto__')) {
    const budget = { parts: data.length };
    return reviveValue(value, (record) => {
      if (!Object.hasOwn(record, 'isBinary') || !record['isBinary']) return undefined;
      return stream && record['isStream'] === true ? stream() : bytesOf(record, data, budget);
    });
  }
  return value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const shown = text.length > 100 ? `${text.slice(0, 100)}…` : text;
    throw generalError(`Invalid JSON: "${shown}"`);
  }
}

/** @throws NumberedError if JSON text is nested deeper than `maxDepth` lists and objects */
export function checkDepth(json: string, maxDepth: number): void {
  // A text of 2n characters cannot be nested more than n deep.
  if (json.length > 2 * maxDepth && isDeeperThan(json, maxDepth))
    throw generalError(`The value is nested deeper than ${maxDepth} levels.`);
}

/** Counts brackets outside of strings before parsing, so that no deep value is ever built. */
function isDeeperThan(text: string, maxDepth: number): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22) {
      for (i++; i < text.length && text.charCodeAt(i) !== 0x22; i++) if (text.charCodeAt(i) === 0x5c) i++;
    } else if (code === 0x5b || code === 0x7b) {
      if (++depth > maxDepth) return true;
    } else if (code === 0x5d || code === 0x7d) {
      depth--;
    }
  }
  return false;
}

/** The number of parts that markers of several chunks may still copy. */
interface CopyBudget {
  parts: number;
}

/**
 * Replaces the markers in a parsed value by arrays. The depth of the value was checked before.
 *
 * @param read returns the array for a marker, `undefined` for every other object
 * @throws NumberedError if a member is named `__proto__`
 */
export function reviveValue(
  value: unknown,
  read: (record: Record<string, unknown>) => object | undefined,
): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) value[i] = reviveValue(value[i], read);
    return value;
  }
  const record = value as Record<string, unknown>;
  const array = read(record);
  if (array) return array;
  for (const key of Object.keys(record)) {
    if (key === '__proto__') throw generalError('Invalid value: a member may not be named "__proto__".');
    record[key] = reviveValue(record[key], read);
  }
  return record;
}

function bytesOf(
  marker: Record<string, unknown>,
  data: readonly Uint8Array[],
  budget: CopyBudget,
): Uint8Array {
  const { index, size, chunks } = marker;
  if (!isCount(index) || !isCount(chunks) || !isCount(size))
    throw generalError('Cannot unmarshal a malformed binary value.');
  if (chunks === 0) return new Uint8Array();
  if (index + chunks > data.length) throw generalError('Cannot unmarshal missing binary value.');
  if (chunks === 1) return data[index]!;
  // Many markers of the same parts would multiply a small body.
  budget.parts -= chunks;
  if (budget.parts < 0) throw generalError('Cannot unmarshal binary values that share their data.');
  const parts = data.slice(index, index + chunks);
  // The announced size is not trusted, so that a peer cannot choose the size of an allocation.
  const total = parts.reduce((sum, part) => sum + part.byteLength, 0);
  if (total !== size)
    throw generalError(`Cannot unmarshal a binary value of ${total} bytes announced as ${size}.`);
  return concatBytes(parts, total);
}

/** Whether a value from a peer can count or number something. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
