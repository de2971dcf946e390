import { types } from 'node:util';

// Values between the two worlds of a page, as `contextBridge` has them cross; see the table in electron.stand-in.ts.

/** The constructors of a world: each is a realm of its own. */
export interface World {
  readonly Array: ArrayConstructor;
  readonly Object: ObjectConstructor;
  readonly Error: ErrorConstructor;
  readonly TypeError: TypeErrorConstructor;
}

const DEEPEST = 1000;

/** @throws an error of the world that the value comes from */
export function cross(value: unknown, from: World, to: World): unknown {
  const known = new Map<object, unknown>();

  const copy = (each: unknown, depth: number): unknown => {
    if (depth >= DEEPEST)
      throw new from.TypeError(
        'Electron contextBridge recursion depth exceeded.  Nested objects deeper than 1000 are not supported.',
      );
    if (typeof each === 'symbol') return undefined;
    if ((typeof each !== 'object' && typeof each !== 'function') || each === null) return each;
    if (known.has(each)) return known.get(each);
    const copied = copyObject(each, depth);
    known.set(each, copied);
    return copied;
  };

  const copyObject = (each: object, depth: number): unknown => {
    if (types.isProxy(each)) throw new from.Error('An object could not be cloned.');
    if (typeof each === 'function') return proxied(each as (...args: unknown[]) => unknown, from, to);
    if (types.isPromise(each))
      return each.then(
        (result) => cross(result, from, to),
        (error: unknown) => {
          throw cross(error, from, to);
        },
      );
    if (types.isNativeError(each)) return new to.Error(each.message);
    if (Array.isArray(each)) {
      const list = new to.Array<unknown>(each.length);
      for (let i = 0; i < each.length; i++) list[i] = copy((each as unknown[])[i], depth + 1);
      return list;
    }
    if (isPlain(each)) {
      const record = new to.Object() as Record<string, unknown>;
      for (const [key, member] of Object.entries(each)) record[key] = copy(member, depth + 1);
      return record;
    }
    return clone(each);
  };

  return copy(value, 0);
}

/** A function is called where it is; what it is given, and what comes of it, crosses. */
function proxied(
  f: (...args: unknown[]) => unknown,
  from: World,
  to: World,
): (...args: unknown[]) => unknown {
  return (...args) => {
    const crossed = args.map((arg) => cross(arg, to, from));
    let result: unknown;
    try {
      result = f(...crossed);
    } catch (error) {
      throw cross(error, from, to);
    }
    return cross(result, from, to);
  };
}

/** Everything that has no kind of its own: instances of classes, too. */
function isPlain(value: object): boolean {
  return !(
    ArrayBuffer.isView(value) ||
    types.isAnyArrayBuffer(value) ||
    types.isBoxedPrimitive(value) ||
    types.isDate(value) ||
    types.isMap(value) ||
    types.isSet(value) ||
    types.isRegExp(value) ||
    types.isWeakMap(value) ||
    types.isWeakSet(value)
  );
}

/** An exposed object cannot be changed. */
export function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value))
    return;
  Object.freeze(value);
  for (const each of Object.values(value)) freeze(each);
}

/** By the algorithm of structured clones; memory is not shared between processes. */
export function clone<T>(value: T): T {
  try {
    const cloned = structuredClone(value);
    if (holdsShared(cloned)) throw new Error('shared memory');
    return cloned;
  } catch (error) {
    throw new Error('An object could not be cloned.', { cause: error });
  }
}

function holdsShared(value: unknown, known = new Set<unknown>()): boolean {
  if (typeof value !== 'object' || value === null || known.has(value)) return false;
  known.add(value);
  if (types.isSharedArrayBuffer(value)) return true;
  if (ArrayBuffer.isView(value)) return types.isSharedArrayBuffer(value.buffer);
  return Object.values(value).some((each) => holdsShared(each, known));
}
