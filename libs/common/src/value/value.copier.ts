import { generalError } from '../base/numbered.error.js';
import type { NumberedError } from '../base/numbered.error.js';
import { isMemory, uncarriedKind } from './value.kinds.js';
import { encodeErrorValue } from '../error/error.members.js';
import type { ErrorExposure } from '../error/error.members.js';

/** The rules of a copy. */
export interface CopyRules {
  /** Nesting of lists and objects that is copied. */
  readonly depth: number;
  /** Bytes that are copied: about as many as the value takes in memory. */
  readonly bytes: number;
  /**
   * There where the value is a list that a stranger has sent. Gives what stands for an item of it that has a member named
   * `__proto__`; without it there is an error. A stranger's value costs no more than what was sent.
   */
  readonly refused?: (item: unknown, error: NumberedError) => unknown;
  /** Gives the array that stands for a typed array in the copy. */
  arrayOf(view: ArrayBufferView): ArrayBufferView;
  /** May throw for an object that is not to be copied. */
  check(record: object): void;
  /** How much of errors in the value may be seen. */
  readonly exposure?: ErrorExposure | undefined;
}

/** The bytes that each value counts, besides its content: its place in a list. */
const VALUE_BYTES = 8;
const OBJECT_BYTES = 48;
/** Items that lists do not have, but count: JSON text has none, and a length costs nothing to claim. */
const MOST_HOLES = 1024;
/** Above this many bytes an object that stands in several places is not copied for each of them. */
const SHARED_BYTES = 64 * 1024;
/** One object of so many is remembered, and found again if it is copied over and over. */
const REMEMBERED = 8;

/**
 * Copies values as `JSON.parse(JSON.stringify(value))` would: what JSON drops is dropped (functions, symbols; a Date
 * becomes text, NaN null). Whatever else a platform clones, from whomever it comes, is not in the copy.
 */
export class ValueCopier {
  /** How many bytes have been copied. */
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
      return this.#copyTold(value);
    const { toJSON } = (value ?? {}) as { toJSON?: unknown };
    if (typeof toJSON !== 'function' || ArrayBuffer.isView(value)) return this.#copyTold(value);
    return this.#copyTold((toJSON as (this: unknown, key: string) => unknown).call(value, String(key)));
  }

  /** Copies a value that is not asked for its `toJSON` any more (ECMAScript, SerializeJSONProperty). */
  #copyTold(value: unknown): unknown {
    switch (typeof value) {
      case 'string':
        this.#count(value.length);
        return value;
      case 'number':
        // As text has it, without a sign of zero.
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
    if (!isList && isBoxed(value)) return this.#copyTold(value.valueOf());
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
    // Before anything is copied: the length of a list with holes costs its sender nothing.
    if (this.bytes + list.length * VALUE_BYTES > this.rules.bytes) this.#count(list.length * VALUE_BYTES);
    for (let i = 0; i < list.length; i++) {
      const item = list[i];
      if (item === undefined && this.rules.refused && !(i in list) && ++this.#holes > MOST_HOLES)
        throw generalError('The value has lists with too many holes.');
      copy.push(this.copy(item, i) ?? null);
      if (this.#depth > 1 || !this.#refusal) continue;
      copy.push(this.rules.refused!(copy.pop(), this.#refusal));
      this.#refusal = undefined;
    }
    return copy;
  }

  /** A few references could stand for as much as may be copied. */
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

/** Whether an object, of any realm, is a primitive in a box. */
function isBoxed(value: object): boolean {
  if (Object.getPrototypeOf(value) === Object.prototype) return false;
  return boxes.includes(Object.prototype.toString.call(value));
}
