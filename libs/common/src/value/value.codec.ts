import { generalError } from '../base/numbered.error.js';
import { concatBytes, isBytes } from '../base/bytes.js';
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
 * @param mark gives what stands for a typed array in the text; without a mark it is refused
 * @param maxDepth nesting of lists and objects that is written; default: as deep as the engine writes
 * @param exposure what of errors in the value may be seen
 * @throws NumberedError as {@link encodeValue}, and for nesting that is too deep
 */
export function stringifyValue(
  value: unknown,
  mark: (view: ArrayBufferView) => object | undefined,
  maxDepth?: number,
  exposure?: ErrorExposure,
): string | undefined {
  if (value === undefined) return undefined;
  try {
    // A replacer is paid on every key, so it is used only where something is there to replace.
    if (!needsReplacer(value, maxDepth ?? DEEPEST_WALK)) return JSON.stringify(value);
    const json = JSON.stringify(value, function (this: Record<string, unknown>, key: string, item: unknown) {
      // The holder has the value before `toJSON`, which a Buffer brings along.
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
    // Out of stack in a walk, or out of room for the text; anything else was thrown by the value's own code.
    const tooMuch = error instanceof RangeError ? `The value cannot be sent: ${error.message}.` : undefined;
    const reason = unsendable(value, mark) ?? tooMuch;
    if (reason === undefined) throw error;
    throw generalError(reason);
  }
}

/** The path is found when there is time for it. */
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
    // A getter that throws: the error that was there first tells more.
    return undefined;
  }
}

/** Deeper than any list or object that `JSON.stringify` writes; also ends the walk of a cycle. */
const DEEPEST_WALK = 1000;

/**
 * Whether somewhere in the value there are typed arrays, errors or what is not carried, or a `toJSON` that may return them; or perhaps, as it
 * is deeper than so many lists and objects.
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
 * @throws NumberedError (32768) if the JSON is invalid, a marker lacks its data or has another size than its data, the
 * nesting is too deep, or a member is named `__proto__`
 */
export function decodeValue(objects: string, data: readonly Uint8Array[], maxDepth: number): unknown {
  if (objects === '') return undefined;
  checkDepth(objects, maxDepth);
  const value = parseJson(objects);
  // A reviver is paid on every key. The words can hide behind escapes only where there is a backslash-u.
  const escaped = objects.includes('\\u');
  if (escaped || data.length > 0 || objects.includes('isBinary') || objects.includes('__proto__')) {
    const budget = { parts: data.length };
    return reviveValue(value, (record) =>
      Object.hasOwn(record, 'isBinary') && record['isBinary'] ? bytesOf(record, data, budget) : undefined,
    );
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
  // A text of 2n characters cannot be nested deeper than n.
  if (json.length > 2 * maxDepth && isDeeperThan(json, maxDepth))
    throw generalError(`The value is nested deeper than ${maxDepth} levels.`);
}

/** Counts brackets outside of strings. Before parsing, so that nothing deep is ever built. */
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

/** Parts that markers of several chunks may still refer to: each such reference is a copy. */
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
  read: (record: Record<string, unknown>) => ArrayBufferView | undefined,
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
  // Parts that many markers copied would multiply a small body by their number.
  budget.parts -= chunks;
  if (budget.parts < 0) throw generalError('Cannot unmarshal binary values that share their data.');
  const parts = data.slice(index, index + chunks);
  // Never trust the announced size: it would be an allocation of the peer's choice.
  const total = parts.reduce((sum, part) => sum + part.byteLength, 0);
  if (total !== size)
    throw generalError(`Cannot unmarshal a binary value of ${total} bytes announced as ${size}.`);
  return concatBytes(parts, total);
}

/** Whether a value from a peer can count or number something. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
