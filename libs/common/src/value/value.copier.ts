import { generalError } from '../base/numbered.error.js';
import type { NumberedError } from '../base/numbered.error.js';
import { isMemory, uncarriedKind } from './value.kinds.js';
import { encodeErrorValue } from '../error/error.members.js';
import type { ErrorExposure } from '../error/error.members.js';

/** The rules of a copy. */
export interface CopyRules {
  /** The accepted nesting of lists and objects. */
  readonly depth: number;
  /** The accepted number of bytes, about the memory that the value takes. */
  readonly bytes: number;
  /**
   * Set for a list from a peer. Returns the replacement for an item that has a member named `__proto__`; without this
   * function such an item is an error. The copy costs no more than the bytes that were sent.
   */
  readonly refused?: (item: unknown, error: NumberedError) => unknown;
  /** Returns the array that replaces a typed array in the copy. */
  arrayOf(view: ArrayBufferView): ArrayBufferView;
  /** Throws if an object must not be copied. */
  check(record: object): void;
  /** Which errors in the value are visible. */
  readonly exposure?: ErrorExposure | undefined;
}

/** The bytes of each value besides its content: its place in a list. */
const VALUE_BYTES = 8;
const OBJECT_BYTES = 48;
/** The accepted number of holes in lists. JSON has no holes, and a peer can claim any length at no cost. */
const MAX_HOLES = 1024;
/** An object of more bytes is not copied again for each of its places. */
const SHARED_BYTES = 64 * 1024;
/** One of so many objects is remembered, so that an object that is copied again and again is found. */
const REMEMBERED = 8;

/**
 * Copies values as `JSON.parse(JSON.stringify(value))` does. Functions and symbols are dropped, a Date becomes text, and
 * NaN becomes null. Other kinds that a platform can clone are not in the copy.
 */
export class ValueCopier {
  /** The number of copied bytes. */
  bytes = 0;
  #depth = 0;
  #holes = 0;
  #objects = 0;
  readonly #known = new Set<object>();
  #refusal: NumberedError | undefined;

  constructor(private readonly rules: CopyRules) {}

  /**
   * @returns the copy; `undefined` for a dropped value
   * @throws NumberedError if the value has a BigInt, a member named `__proto__`, or exceeds a limit, as a cycle does
   */
  copy(value: unknown, key: string | number = ''): unknown {
    // An object with many references costs its sender little, and is copied for each reference.
    this.#count(VALUE_BYTES);
    if (typeof value === 'string' || typeof value === 'number' || value === null)
      return this.#copyJson(value);
    const { toJSON } = (value ?? {}) as { toJSON?: unknown };
    if (typeof toJSON !== 'function' || ArrayBuffer.isView(value)) return this.#copyJson(value);
    return this.#copyJson((toJSON as (this: unknown, key: string) => unknown).call(value, String(key)));
  }

  /** Copies a value after its `toJSON` was applied (ECMAScript, SerializeJSONProperty). */
  #copyJson(value: unknown): unknown {
    switch (typeof value) {
      case 'string':
        this.#count(value.length);
        return value;
      case 'number':
        // JSON has no negative zero.
        return Number.isFinite(value) ? value + 0 : null;
      case 'boolean':
        return value;
      case 'object':
        return value === null ? null : this.#copyObject(value);
      case 'bigint':
        throw generalError('The value cannot be sent: it has a BigInt.');
      default:
        return undefined;
    }
  }

  #copyObject(value: object): unknown {
    if (ArrayBuffer.isView(value)) {
      this.#count(value.byteLength);
      return this.rules.arrayOf(value);
    }
    if (isMemory(value)) return this.#copyObject(new Uint8Array(value));
    this.#count(OBJECT_BYTES);
    const kind = this.rules.refused ? undefined : uncarriedKind(value);
    if (kind !== undefined) throw generalError(`The value cannot be sent: it has a ${kind}.`);
    if (this.rules.refused) this.#checkShared(value);
    const isList = Array.isArray(value);
    if (!isList && isBoxed(value)) return this.#copyJson(value.valueOf());
    if (++this.#depth > this.rules.depth)
      throw generalError(`The value is nested deeper than ${this.rules.depth} levels.`);
    const copy = isList
      ? this.#copyList(value)
      : this.#copyRecord(
          value instanceof Error ? (encodeErrorValue(value, this.rules.exposure) as object) : value,
        );
    this.#depth--;
    return copy;
  }

  #copyList(list: readonly unknown[]): unknown[] {
    const copy: unknown[] = [];
    // Checked before copying, because a list with holes costs its sender nothing.
    if (this.bytes + list.length * VALUE_BYTES > this.rules.bytes) this.#count(list.length * VALUE_BYTES);
    for (let i = 0; i < list.length; i++) {
      const item = list[i];
      if (item === undefined && this.rules.refused && !(i in list) && ++this.#holes > MAX_HOLES)
        throw generalError('The value has lists with too many holes.');
      copy.push(this.copy(item, i) ?? null);
      if (this.#depth > 1 || !this.#refusal) continue;
      copy.push(this.rules.refused!(copy.pop(), this.#refusal));
      this.#refusal = undefined;
    }
    return copy;
  }

  /** Refuses an object with many references: a few of them could reach the limit of bytes. */
  #checkShared(value: object): void {
    if (++this.#objects % REMEMBERED !== 0 || this.bytes <= SHARED_BYTES) return;
    if (this.#known.has(value)) {
      this.bytes = Infinity;
      throw generalError('The value is too large: an object stands in many places.');
    }
    this.#known.add(value);
  }

  #copyRecord(record: object): object {
    this.rules.check(record);
    const copy: Record<string, unknown> = {};
    for (const key of Object.keys(record)) {
      if (key === '__proto__') {
        this.#refusal = generalError('The value cannot be sent: a member may not be named "__proto__".');
        if (!this.rules.refused) throw this.#refusal;
        continue;
      }
      const value = this.copy((record as Record<string, unknown>)[key], key);
      if (value === undefined) continue;
      this.#count(key.length);
      copy[key] = value;
    }
    return copy;
  }

  #count(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes > this.rules.bytes)
      throw generalError(`The value is larger than ${this.rules.bytes} bytes.`);
  }
}

const boxes: readonly unknown[] = ['[object Number]', '[object String]', '[object Boolean]'];

/** Whether an object of any realm is a boxed primitive. */
function isBoxed(value: object): boolean {
  if (Object.getPrototypeOf(value) === Object.prototype) return false;
  return boxes.includes(Object.prototype.toString.call(value));
}
