import { GENERAL_ERROR, IModelError } from '../call/call.error.js';
import { concatBytes, isBytes } from './bytes.js';
import { encodeErrorValue } from './error.codec.js';
import { describeUnsendable } from './value.inspect.js';

/** A value on the wire (WIRE 1.1): JSON text, empty for an absent value, and the byte strings it refers to. */
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
 * Writes a value as JSON text and byte strings. What JSON drops is dropped (functions, symbols; a Date
 * becomes text, NaN null).
 *
 * @throws IModelError for a cycle, a BigInt or nesting beyond what the engine can write, with the path
 */
export function encodeValue(value: unknown): EncodedValue {
  if (value === undefined) return { objects: '', data: noData };
  try {
    // A replacer is paid on every key, so it is used only where something is there to replace.
    if (!needsReplacer(value, 0)) return { objects: JSON.stringify(value) ?? '', data: noData };
    const data: Uint8Array[] = [];
    const objects = JSON.stringify(
      value,
      function (this: Record<string, unknown>, key: string, item: unknown) {
        // The holder has the value before `toJSON`, which a Buffer brings along.
        const raw = this[key];
        if (isBytes(raw)) {
          const index = data.push(raw) - 1;
          return { isBinary: true, index, size: raw.byteLength, chunks: 1 } satisfies BinaryMarker;
        }
        return item instanceof Error ? encodeErrorValue(item) : item;
      },
    );
    return { objects: objects ?? '', data };
  } catch (error) {
    // Out of stack in a walk, or out of room for the text; anything else was thrown by the value's own code.
    const tooMuch = error instanceof RangeError ? `The value cannot be sent: ${error.message}.` : undefined;
    const reason = unsendable(value) ?? tooMuch;
    if (reason === undefined) throw error;
    throw new IModelError(GENERAL_ERROR, reason);
  }
}

function unsendable(value: unknown): string | undefined {
  try {
    return describeUnsendable(value);
  } catch {
    // A getter that throws: the error that was there first tells more.
    return undefined;
  }
}

/** Deeper than any list or object that `JSON.stringify` writes; also ends the walk of a cycle. */
const DEEPEST_WALK = 1000;

/** Whether somewhere in the value there are bytes or errors, or a `toJSON` that may return them. */
function needsReplacer(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (depth > DEEPEST_WALK) return true;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const item: unknown = value[i];
      if (typeof item === 'object' && item !== null && needsReplacer(item, depth + 1)) return true;
    }
    return false;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype) {
    if (isBytes(value) || value instanceof Error) return true;
    if (value instanceof Date) return false;
  }
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return true;
  for (const key in value) {
    const item = (value as Record<string, unknown>)[key];
    if (typeof item === 'object' && item !== null && needsReplacer(item, depth + 1)) return true;
  }
  return false;
}

/**
 * Reads a value that a peer wrote.
 *
 * @param objects JSON text; empty means absent
 * @param data the byte strings that binary markers in the text refer to
 * @param maxDepth nesting of lists and objects that is accepted
 * @throws IModelError (32768) for invalid JSON, a marker without its data or with a size that is not the
 * data's, nesting that is too deep, and a member named `__proto__`
 */
export function decodeValue(objects: string, data: readonly Uint8Array[], maxDepth: number): unknown {
  if (objects === '') return undefined;
  // A text of 2n characters cannot be nested deeper than n.
  if (objects.length > 2 * maxDepth && isDeeperThan(objects, maxDepth)) throw tooDeep(maxDepth);
  const value = parseJson(objects);
  // A reviver is paid on every key. The words can hide behind escapes only where there is a backslash-u.
  const escaped = objects.includes('\\u');
  if (escaped || data.length > 0 || objects.includes('isBinary') || objects.includes('__proto__'))
    return revive(value, data, { parts: data.length });
  return value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const shown = text.length > 100 ? `${text.slice(0, 100)}…` : text;
    throw new IModelError(GENERAL_ERROR, `Invalid JSON: "${shown}"`);
  }
}

function tooDeep(maxDepth: number): IModelError {
  return new IModelError(GENERAL_ERROR, `The value is nested deeper than ${maxDepth} levels.`);
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

/** Puts bytes in place of their markers. The depth of the value is bounded before. */
function revive(value: unknown, data: readonly Uint8Array[], budget: CopyBudget): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) value[i] = revive(value[i], data, budget);
    return value;
  }
  const record = value as Record<string, unknown>;
  if (Object.hasOwn(record, 'isBinary') && record['isBinary']) return bytesOf(record, data, budget);
  for (const key of Object.keys(record)) {
    if (key === '__proto__')
      throw new IModelError(GENERAL_ERROR, 'Invalid value: a member may not be named "__proto__".');
    record[key] = revive(record[key], data, budget);
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
    throw new IModelError(GENERAL_ERROR, 'Cannot unmarshal a malformed binary value.');
  if (chunks === 0) return new Uint8Array();
  if (index + chunks > data.length)
    throw new IModelError(GENERAL_ERROR, 'Cannot unmarshal missing binary value.');
  if (chunks === 1) return data[index]!;
  // Parts that many markers copied would multiply a small body by their number.
  budget.parts -= chunks;
  if (budget.parts < 0)
    throw new IModelError(GENERAL_ERROR, 'Cannot unmarshal binary values that share their data.');
  const parts = data.slice(index, index + chunks);
  // Never trust the announced size: it would be an allocation of the peer's choice.
  const total = parts.reduce((sum, part) => sum + part.byteLength, 0);
  if (total !== size)
    throw new IModelError(
      GENERAL_ERROR,
      `Cannot unmarshal a binary value of ${total} bytes announced as ${size}.`,
    );
  return concatBytes(parts, total);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
