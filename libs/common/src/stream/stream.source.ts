import type { BlobLike } from './stream.js';

type Members = Readonly<Record<PropertyKey, unknown>>;

/** Whether a value is an object with these methods. */
export function has(value: unknown, ...methods: PropertyKey[]): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    methods.every((method) => typeof (value as Members)[method] === 'function')
  );
}

/** Whether an argument is sent as a stream: an async iterable, a web or Node stream, a `Blob` or a `File`. */
export function isStreamSource(value: unknown): boolean {
  // Every argument of a call is asked.
  if (typeof value !== 'object' || value === null) return false;
  return has(value, Symbol.asyncIterator) || has(value, 'getReader') || isBlob(value);
}

/** Whether a value is a `Blob` or a `File` of any realm. */
export function isBlob(value: unknown): value is BlobLike {
  return has(value, 'stream', 'slice', 'arrayBuffer') && typeof (value as Members)['size'] === 'number';
}

/** The members of an Observable that are used, from any library. */
export interface Subscribable {
  subscribe(observer: {
    next: (value: unknown) => void;
    error: (error: unknown) => void;
    complete: () => void;
  }): { unsubscribe?: () => void } | undefined;
}

/** Whether a value is an Observable. Written out, because every result of a call is asked. */
export function isSubscribable(value: unknown): value is Subscribable {
  if (typeof value !== 'object' || value === null) return false;
  const { subscribe, pipe } = value as Members;
  return typeof subscribe === 'function' && typeof pipe === 'function';
}

/** The arguments of a call without its streams, and the streams by their places, counted from 1. */
export function splitSources(args: readonly unknown[]): {
  readonly values: unknown[];
  readonly sources: ReadonlyMap<number, unknown>;
} {
  if (!args.some(isStreamSource)) return { values: args as unknown[], sources: noSources };
  const sources = new Map<number, unknown>();
  for (const [index, argument] of args.entries())
    if (isStreamSource(argument)) sources.set(index + 1, argument);
  return { values: args.map((argument, index) => (sources.has(index + 1) ? null : argument)), sources };
}

const noSources: ReadonlyMap<number, unknown> = new Map();
