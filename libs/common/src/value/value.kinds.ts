/** The kinds of objects that JSON knows, by `Object.prototype.toString`. */
const plainKinds = /^(?:Object|Array|Error|Date|Number|String|Boolean|Arguments)$/;

/** Kinds whose content is elsewhere than in members, whatever members a class or its user adds to them. */
const filledKinds = /^(?:Map|Set|Blob|File|FormData)$/;

/**
 * Names an object whose content JSON would leave out or write as its private members: a stream, a promise, a `Blob`, a `Map`.
 * Recognized by structure, as such objects come from other realms and packages as well.
 *
 * @returns `undefined` for data
 */
export function uncarriedKind(value: object): string | undefined {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (Array.isArray(value)) return undefined;
  const { then, pipe, on, subscribe, getStream, getHeaders, toJSON } = value as Record<string, unknown>;
  if (isFunction((value as Record<symbol, unknown>)[Symbol.asyncIterator])) return 'stream';
  if (prototype === Object.prototype || prototype === null || isFunction(toJSON)) return undefined;
  if (isFunction(then)) return 'promise';
  if (isFunction(pipe) && (isFunction(on) || isFunction(subscribe))) return 'stream';
  if (isFunction(getStream) && isFunction(getHeaders)) return 'StreamableFile';
  const kind = Object.prototype.toString.call(value).slice(8, -1);
  const iterator = isFunction((value as Record<symbol, unknown>)[Symbol.iterator]);
  if (plainKinds.test(kind) && !iterator) return undefined;
  if (!filledKinds.test(kind) && Object.keys(value).length > 0) return undefined;
  return kind === 'Object' ? 'iterable' : kind;
}

/** The remedy for an object or typed array that is not carried. */
export function remedyOf(kind: string): string {
  if (kind === 'promise') return 'await it';
  if (kind === 'RegExp') return 'send its source';
  return /stream|File|Blob|Buffer|Array|View/i.test(kind) ? 'send its bytes' : 'send its entries';
}

/** Whether a value is an `ArrayBuffer` of any realm, which is sent as bytes. */
export function isMemory(value: object): value is ArrayBuffer {
  return Object.prototype.toString.call(value) === '[object ArrayBuffer]';
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}
